import { isUnresolved } from "../domain/deliveries/event-outcome.ts";
import { plural } from "../domain/text/plural.ts";
import { listEvents } from "../flows/explain/list-events.ts";
import { type Finding, fine, warning } from "./finding.ts";
import type { Installation } from "./installation.ts";

const CHECK = "deliveries";

/** How far back it looks. On AWS every minute of it takes a request per shard. */
const HOUR_MS = 3_600_000;
const EMBEDDED_HOURS = 24;
const AWS_HOURS = 1;

/** Events that are looked at, so that it ends within seconds whatever has arrived. */
const MAX_EVENTS = 10_000;

/** Whether something that arrived lately is dead or rejected, and wasn't made good since. */
export async function examineUnresolved(
  { events, versions }: Pick<Installation, "events"> & { versions: Pick<Installation["versions"], "from"> },
  now: Date,
  maxEvents = MAX_EVENTS,
): Promise<Finding> {
  const hours = versions.from === "folders" ? EMBEDDED_HOURS : AWS_HOURS;
  const from = new Date(now.getTime() - hours * HOUR_MS);
  const counts = { dead: 0, rejected: 0 };
  let undelivered = 0;
  let looked = 0;
  let upTo: Date | undefined;
  for await (const outcomes of listEvents({ events }, { from, to: new Date(now.getTime() + 1) }, {}, now)) {
    for (const { status, entry } of outcomes.filter(isUnresolved)) {
      counts[status === "dead" ? "dead" : "rejected"] += 1;
      if (entry === undefined) undelivered += 1;
    }
    looked += new Set(outcomes.map(({ record }) => record)).size;
    if (looked < maxEvents) continue;
    upTo = outcomes.at(-1)?.record.t0;
    break;
  }
  const period = upTo === undefined ? `in the last ${plural(hours, "hour")}` : `from ${iso(from)} to ${iso(upTo)}`;
  const arrived = `of ${plural(looked, "event")} that arrived ${period}`;
  const told = Object.entries(counts).flatMap(([status, count]) => (count === 0 ? [] : [`${count} ${status}`]));
  if (told.length === 0) return fine(CHECK, `none is unresolved, ${arrived}`);
  return warning(CHECK, `unresolved: ${told.join(", ")}, ${arrived}`, {
    operation: "settle unresolved",
    from,
    canBeFinished: counts.dead > 0 || undelivered > 0,
  });
}

function iso(time: Date): string {
  return time.toISOString();
}
