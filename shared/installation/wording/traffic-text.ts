import { shareText } from "../../domain/routing/rollout.ts";
import { plural } from "../../domain/text/plural.ts";
import type { ComponentTraffic, Traffic } from "../../flows/change/preview-traffic.ts";

/** Says how much of the last hour's traffic a change moves, and what of it is on its way. */
export function trafficLines({ components, cut }: Traffic): string[] {
  const moved = components.filter((each) => each.moved > 0);
  const of = cut ? "the newest events of the last hour (there were more than are looked at)" : "the last hour's events";
  const missed = components.filter(({ unreached = 0 }) => unreached > 0);
  const lines = missed.map(
    ({ component, events, unreached = 0 }) =>
      `of ${of}: ${unreached} of ${plural(events, "event")} would no longer reach ${component}`,
  );
  if (moved.length > 0) return [...lines, ...moved.map((traffic) => `of ${of}: ${trafficText(traffic)}`)];
  return components.length > missed.length ? [...lines, `none of ${of} would go elsewhere`] : lines;
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
