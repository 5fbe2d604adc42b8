import { shareText } from "../../../shared/domain/routing/rollout.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import type { ComponentTraffic, Traffic } from "../../../shared/flows/change/preview-traffic.ts";
import { note } from "../terminal/output.ts";

/** Says how much of the last hour's traffic a change moves, and what of it is on its way. */
export function showTraffic({ components, cut }: Traffic): void {
  const moved = components.filter((each) => each.moved > 0);
  const of = cut ? "the newest events of the last hour (there were more than are looked at)" : "the last hour's events";
  const missed = components.filter(({ unreached = 0 }) => unreached > 0);
  for (const { component, events, unreached = 0 } of missed) {
    note(`  of ${of}: ${unreached} of ${plural(events, "event")} would no longer reach ${component}`);
  }
  if (moved.length === 0) {
    if (components.length > missed.length) note(`  none of ${of} would go elsewhere`);
    return;
  }
  for (const traffic of moved) note(`  of ${of}: ${trafficText(traffic)}`);
}

function trafficText({ component, events, moved, inFlight }: ComponentTraffic): string {
  const share = shareText(Math.round((moved * 10_000) / events));
  const flying =
    inFlight === 0 ? "" : `; ${inFlight} of them in flight (being delivered, or waiting for another attempt)`;
  return `${moved} of ${plural(events, "event")} (${share}) at ${component}${flying}`;
}

export function trafficJson({ components, cut }: Traffic) {
  return {
    cut,
    components: components.map(({ component, events, moved, inFlight, off, unreached = 0 }) => ({
      component,
      events,
      moved,
      in_flight: inFlight,
      unreached,
      off_default_before: off.before,
      off_default_after: off.after,
    })),
  };
}
