import { MAX_LAPSES } from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyOf, LIVE } from "../../shared/domain/deliveries/delivery-key.ts";
import type { OutcomeStatus } from "../../shared/domain/deliveries/event-outcome.ts";
import { type History, isSameKey, type Published, type Run } from "./history.ts";
import type { Problem, ProblemKind } from "./problem.ts";
import { listenersOf } from "./scenario.ts";
import type { Ended } from "./world.ts";

/**
 * What was accepted is in the queue, in its dead-letter queue, or in the operator's listing: itself, or one that says
 * the same under the same key. Of two such with the same first sent time, only one is recorded.
 */
export function kept({ history, queued, listing }: Ended): Problem[] {
  const somewhere = new Set([...queued, ...listing.map(({ record }) => record.body)]);
  const same = ({ detailType, key, payload }: Published) => `${detailType} ${key} ${payload}`;
  const said = new Set(history.published.filter(({ body }) => somewhere.has(body)).map(same));
  return accepted(history).flatMap((event): Problem[] => {
    const { id, body, at, readable } = event;
    if (somewhere.has(body) || (readable && said.has(same(event)))) return [];
    return [{ kind: "lost", text: `${id} is in no queue and not listed`, at }];
  });
}

function accepted({ published }: History): Published[] {
  return published.filter(({ acceptedAt }) => acceptedAt !== undefined);
}

const ends = new Set<OutcomeStatus>(["done", "dead", "repaired", "rejected", "duplicate", "unmatched"]);

/** When all should be at rest: nothing waits, and every event ended as it may. */
export function atRest(ended: Ended, deliveries: ReadonlyMap<string, readonly Run[]>): Problem[] {
  const { history, listing, queued } = ended;
  const open = listing.filter(({ status }) => !ends.has(status));
  const stuck = [
    ...open.map(({ record, component, status }) => `${record.id} at ${component} is ${status}`),
    ...queued.map((body) => `in a queue: ${body.slice(0, 60)}`),
    ...(ended.atRest || open.length + queued.length > 0 ? [] : ["something still goes on"]),
  ].map((text): Problem => ({ kind: "stuck", text }));

  const rows = Map.groupBy(listing, ({ record }) => record.body);
  const events = accepted(history).flatMap((event): Problem[] => {
    const shown = rows.get(event.body) ?? [];
    const wrong = (kind: ProblemKind, text: string): Problem[] => [{ kind, text: `${event.id} ${text}`, at: event.at }];
    if (!event.readable) {
      return shown.every(({ status }) => status === "rejected") ? [] : wrong("wrong outcome shown", "can't be read");
    }
    const listeners = listenersOf(event.detailType);
    // Refused, or dead for just this reason: it says so itself.
    const foreign = shown.find(
      ({ component, status, entry }) =>
        component !== undefined &&
        !listeners.some(({ name }) => name === component) &&
        status !== "rejected" &&
        entry?.error?.type !== "NotListening",
    );
    if (foreign !== undefined) {
      return wrong("wrong outcome shown", `is ${foreign.status} at ${foreign.component}, which doesn't listen to it`);
    }
    return listeners.flatMap(({ name, retry }) => {
      const runs = deliveries.get(`${name} ${event.detailType}/${event.key} live`) ?? [];
      const succeeded = runs.some(({ outcome, payload }) => outcome === "succeeded" && payload === event.payload);
      const statuses = statusesOf(event, name, ended);
      if (statuses.has("done") && !succeeded)
        return wrong("wrong outcome shown", `is done at ${name}, but never succeeded`);
      if (statuses.has("dead") && !mayBeDead(event, runs, retry.maxAttempts, history)) {
        return wrong("wrong outcome shown", `is dead at ${name} without having failed ${retry.maxAttempts} times`);
      }
      const rejected = statuses.has("rejected");
      const others = history.published.filter((other) => isSameKey(other, event));
      if (rejected && !others.some(({ payload }) => payload !== event.payload)) {
        return wrong("wrong outcome shown", `is rejected at ${name} for a payload that nobody published`);
      }
      if (succeeded || rejected || statuses.has("dead")) return [];
      return stuck.length > 0 ? [] : wrong("lost", `never succeeded at ${name}, and is shown as ${[...statuses]}`);
    });
  });
  return [...stuck, ...events];
}

/** What the listing shows for this component, for the event itself or the one that it repeats. */
function statusesOf(event: Published, component: string, { listing, history }: Ended) {
  const bodies = new Set(
    history.published
      .filter((other) => isSameKey(other, event) && other.payload === event.payload)
      .map(({ body }) => body),
  );
  const live = listing.filter(({ entry }) => entry === undefined || entry.generation === LIVE);
  const shown = live.filter((row) => row.component === component && bodies.has(row.record.body));
  return new Set(shown.map(({ status, entry }) => entry?.status ?? status));
}

/**
 * Whoever gave it up had a reason: it failed so often, its message was given up, or router after router that had it was
 * struck by a fault, so that its leases lapsed.
 */
function mayBeDead(event: Published, runs: readonly Run[], maxAttempts: number, history: History): boolean {
  const failed = runs.filter(
    ({ told, outcome }) => told === "failed" || outcome === "failed" || outcome === "never begun",
  );
  if (failed.length >= maxAttempts) return true;
  const eventKey = eventKeyOf("shop", event.detailType, event.key);
  const same = history.published.filter((other) => isSameKey(other, event));
  const bodies = new Set(same.map(({ body }) => body));
  if (history.deadLettered.some(({ body }) => bodies.has(body) || body.includes(eventKey))) return true;
  // Where some events end whoever sends them, it is these that are given up for it, and nothing beside them.
  if (history.published.some(({ deadly }) => deadly) && !same.some(({ deadly }) => deadly)) return false;
  const messages = [...same.map(({ id }) => `${id}, `), `again ${eventKey.slice(0, 6)} `];
  const struck = history.batches.filter(
    (batch) => batch.hits > 0 && messages.some((name) => batch.messages.some((message) => message.startsWith(name))),
  );
  return struck.length >= MAX_LAPSES;
}
