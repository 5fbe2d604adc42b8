import { isAtRest, type LedgerEntry, MAX_LAPSES } from "../../shared/domain/delivery.ts";
import { deliveryKeyOf, LIVE, payloadHashOf } from "../../shared/domain/delivery-key.ts";
import type { Revision } from "../../shared/domain/routing-change.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import type { Send } from "../../shared/targets/target.ts";
import { bodyOf } from "../support/builders.ts";
import { components, type Published } from "./scenario.ts";
import type { Delivered } from "./simulated-consumer.ts";

/** The design's invariants, checked while the simulation runs; `problems` says in words what went against them. */
export function invariants(store: EventStore, aliasAt: (revision: Revision, project: string) => string) {
  const problems: string[] = [];
  const wrong = (problem: string) => void problems.push(problem);
  /** The newest attempt that ran, by delivery. */
  const attempts = new Map<string, number>();

  const recordsAt = async (t0: Date) =>
    (await Array.fromAsync(store.records({ from: t0, to: new Date(t0.getTime() + 1) }))).flat();
  const entriesOf = async (eventKey: string) => (await store.deliveriesOf([eventKey])).get(eventKey) ?? [];

  /** A delivery that runs: it is claimed, recorded, the newest attempt, and has the payload that was claimed first. */
  async function run(event: Delivered, eventKey: string): Promise<void> {
    const { turnout, ...published } = event;
    const delivery = deliveryKeyOf(turnout.component, eventKey, turnout.generation);
    const entry = (await entriesOf(eventKey)).find(({ deliveryKey }) => deliveryKey === delivery);
    if (entry === undefined) return wrong(`${delivery} ran without a claim`);
    if (entry.status !== "claimed" || entry.attempt !== turnout.attempt) {
      wrong(`attempt ${turnout.attempt} of ${delivery} ran, but the ledger has ${entry.status}, ${entry.attempt}`);
    }
    const before = attempts.get(delivery) ?? 0;
    if (turnout.attempt <= before) wrong(`attempt ${turnout.attempt} of ${delivery} ran after attempt ${before}`);
    attempts.set(delivery, turnout.attempt);
    const payloadHash = payloadHashOf(published, bodyOf(published));
    if (payloadHash !== entry.payloadHash) wrong(`${delivery} ran with another payload`);
    const counting = (await recordsAt(entry.t0)).filter(
      (record) => record.eventKey === eventKey && record.payloadHash === payloadHash,
    );
    if (counting.length !== 1) wrong(`${delivery} ran with ${counting.length} records that it counts by`);
  }

  /** It goes where the routing of its revision sends it, and that is no older than its batch. */
  function routed({ turnout }: Delivered, send: Send, revisionAtStart: Revision): void {
    const { routingRevision, subject } = turnout;
    if (routingRevision < revisionAtStart) {
      wrong(`routed by revision ${routingRevision}, but ${revisionAtStart} was committed before the batch began`);
    }
    const decided = aliasAt(routingRevision, subject.project ?? "");
    if (send.alias !== decided) wrong(`went to ${send.alias} instead of ${decided}`);
  }

  /** A message that is gone from the queue is recorded, and each of its deliveries is at rest. */
  async function acknowledged({ body, sentAt, event }: Published): Promise<void> {
    const records = await recordsAt(sentAt);
    if (event === undefined) {
      if (!records.some((record) => record.body === body && record.rejected !== undefined)) wrong(`${body} was lost`);
      return;
    }
    const { eventKey, payloadHash } = event;
    if (!records.some((record) => record.eventKey === eventKey && record.payloadHash === payloadHash)) {
      wrong(`${body} was lost`);
    }
    const entries = await entriesOf(eventKey);
    for (const component of event.components) {
      const own = entries.find((entry) => entry.component === component && entry.payloadHash === payloadHash);
      if (own === undefined || !isAtRest(own.status)) wrong(`${body} is gone, but ${own?.status} for ${component}`);
    }
  }

  /** When nothing moves any more, every delivery has ended as it may, and what is done has had its effect. */
  async function atRest(messages: Iterable<Published>, effects: ReadonlyMap<string, unknown>): Promise<LedgerEntry[]> {
    const events = [...messages].flatMap(({ event }) => event ?? []);
    const keyOf = new Map(events.map((event) => [event.eventKey, event.idempotencyKey]));
    const entries = [...(await store.deliveriesOf([...keyOf.keys()])).values()].flat();
    for (const { deliveryKey, status, failures, lapses, component, eventKey } of entries) {
      if (!isAtRest(status)) wrong(`${deliveryKey} ends ${status}`);
      const maxAttempts = components.find(({ name }) => name === component)?.retry.maxAttempts ?? 0;
      if (status === "dead" && failures < maxAttempts && lapses < MAX_LAPSES)
        wrong(`${deliveryKey} is dead after ${failures} failures`);
      const had = effects.has(`${component} ${keyOf.get(eventKey)} ${LIVE}`);
      if (status === "done" && !had) wrong(`${deliveryKey} is done, but had no effect`);
    }
    return entries;
  }

  return { problems, wrong, run, routed, acknowledged, atRest };
}
