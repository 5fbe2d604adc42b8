import type { EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { isSameKey, type Run, type SeenReplay } from "./history.ts";
import { keyOf, type Row } from "./listed-deliveries.ts";
import type { Problem } from "./problem.ts";
import type { Scenario } from "./scenario.ts";
import type { Ended } from "./world.ts";

/** When a record's message came: its moment, and how many were published before it, where messages tell that. */
type Place = { t0: number; before: number };
type PlaceOf = (record: EventRecord) => Place;

export function placesIn({ history, tellsOrder }: Ended): PlaceOf {
  const published = new Map(history.published.map(({ id }, index) => [id, index]));
  return ({ id, t0 }) => ({ t0: t0.getTime(), before: tellsOrder ? (published.get(id) ?? 0) : 0 });
}

/** Of what the replay has made nothing of: after all else. */
const NOWHERE: Place = { t0: Number.POSITIVE_INFINITY, before: 0 };

function cameBefore(a: Place, b: Place): boolean {
  return a.t0 === b.t0 ? a.before < b.before : a.t0 < b.t0;
}

/**
 * What one process first sends of a project to a component in a replay, it sends one after the other, in the order of
 * arrival. Only first attempts are judged: what fails or was interrupted is tried again when its time has come.
 */
export function inOrder(
  replay: SeenReplay,
  sent: readonly Run[],
  rows: readonly Row[],
  scenario: Scenario,
  placeOf: PlaceOf,
): Problem[] {
  if (replay.mode === "finish") return [];
  const own = sent.filter(({ generation }) => generation === replay.name);
  const first = [...Map.groupBy(own, ({ component, event }) => `${component} ${event}`).values()].flatMap(
    ([run]) => run ?? [],
  );
  const lanes = Map.groupBy(first, ({ process, component, project }) => `${process} ${component} ${project}`);
  const arrivedAt = (run: Run) => {
    const record = settledRecord(run, replay, rows, scenario);
    return record && placeOf(record);
  };
  return [...lanes.values()].flatMap((lane) =>
    lane.slice(1).flatMap((next, index): Problem[] => {
      const before = lane[index];
      if (before === undefined) return [];
      const wrong = (why: string): Problem[] => [
        {
          kind: "out of order",
          text: `${replay.name} sent ${next.key} to ${next.component} ${why} ${before.key}`,
          at: next.sentAt,
        },
      ];
      if (next.sentAt < (before.hungUpAt ?? Infinity)) return wrong("before the end of");
      const [earlier, later] = [arrivedAt(before), arrivedAt(next)];
      return earlier !== undefined && later !== undefined && cameBefore(later, earlier)
        ? wrong("after, though it came before,")
        : [];
    }),
  );
}

/**
 * Of a project and component nothing is begun between the attempts of an event: what comes later waits until it is done or
 * dead. What came before it, or may have, but wasn't at rest when the replay began, waits for nobody. What another replay
 * reopens is its own, and who drives beside a driver that was taken for lost isn't judged.
 */
export function keptBehind(
  replay: SeenReplay,
  sent: readonly Run[],
  rows: readonly Row[],
  scenario: Scenario,
  drivers: number,
  placeOf: PlaceOf,
): Problem[] {
  if (replay.mode === "finish" || drivers > 1) return [];
  const reopened = new Set(rows.flatMap(({ entry }) => (entry.replay === undefined ? [] : [entry.deliveryKey])));
  const own = sent.filter(({ generation }) => generation === replay.name);
  const lines = Map.groupBy(own, ({ component, project }) => `${component} ${project}`);
  return [...lines.values()].flatMap((line) => {
    const events = [...Map.groupBy(line, ({ event }) => event).values()].map((runs) => ({
      key: runs[0]?.key,
      first: Math.min(...runs.map(({ sentAt }) => sentAt)),
      last: Math.max(...runs.map(({ sentAt }) => sentAt)),
      component: runs[0]?.component,
      ...arrivalOf(runs[0], replay, rows, scenario, placeOf),
    }));
    return events.flatMap((event) => {
      const overtaking = events.find(
        (other) =>
          event.first < other.first &&
          other.first < event.last &&
          !(other.wasOpen && !cameBefore(event.place, other.place)),
      );
      if (overtaking === undefined || reopened.size > 0) return [];
      const text = `${replay.name} sent ${overtaking.key} to ${event.component} while ${event.key} was still to be tried again`;
      return [{ kind: "out of order" as const, text, at: overtaking.first }];
    });
  });
}

/** When it came, by the record that its replay was made from, and whether it was still under way when the replay began. */
function arrivalOf(
  run: Run | undefined,
  replay: SeenReplay,
  rows: readonly Row[],
  { skewMs }: Scenario,
  placeOf: PlaceOf,
) {
  const own = rows.filter((row) => row.component === run?.component && isSameKey(keyOf(row.record), run));
  const made = own.find(({ entry }) => entry.generation === replay.name);
  const startedAt = replay.last?.progress.startedAt?.getTime() ?? 0;
  const wasOpen = own.some(({ entry: { generation, closedAt } }) => {
    return generation !== replay.name && (closedAt === undefined || closedAt.getTime() + 2 * skewMs >= startedAt);
  });
  return { place: made === undefined ? NOWHERE : placeOf(made.record), wasOpen };
}

/** The event's record, if it was at rest when the replay began; what wasn't is delivered by a later pass. */
function settledRecord(
  run: Run,
  { name, last, destination, avoidVersion }: SeenReplay,
  rows: readonly Row[],
  { skewMs }: Scenario,
): EventRecord | undefined {
  // What was skipped at first, because of its alias, may be delivered later.
  if (destination.kind !== "today" || avoidVersion !== undefined) return undefined;
  const startedAt = last?.progress.startedAt?.getTime() ?? 0;
  const own = rows.filter((row) => row.component === run.component && isSameKey(keyOf(row.record), run));
  const made = own.find(({ entry }) => entry.generation === name);
  const others = own.filter(({ entry, record }) => entry.generation !== name && record === made?.record);
  const isSettled = others.every(({ entry: { closedAt, replay } }) => {
    return replay === undefined && closedAt !== undefined && closedAt.getTime() + 2 * skewMs < startedAt;
  });
  return isSettled && others.length > 0 ? made?.record : undefined;
}
