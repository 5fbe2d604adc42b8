import type { EventRecord, LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { deliveryKeyOf, type Generation, LIVE } from "../../domain/deliveries/delivery-key.ts";
import { isUnreadableRecord } from "../../domain/deliveries/unreadable-entry.ts";
import { asksForTheDead, asksForUndelivered, generationsOf } from "../../domain/replays/judge-event.ts";
import type { Replay, ReplayRequest } from "../../domain/replays/replay.ts";
import { UnreadableReplay } from "../../domain/replays/unreadable-replay.ts";
import type { TimeWindow } from "../../domain/text/time-window.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { ReplayStore } from "../../replay-store/replay-store.ts";
import type { RoutingCache } from "../routing-cache.ts";

/** What says which deliveries a replay looks at. */
type Matched = Pick<ReplayRequest, "window" | "filter" | "mode"> & { name: string };

/** Replays that are looked at for deliveries of the same events. */
const MAX_REPLAYS = 1_000;

type EntryPorts = {
  events: Pick<DeliveryLedger, "deliveries">;
  replays: Pick<ReplayStore, "list">;
  routing: RoutingCache;
};

/** Finds the ledger's entries of a replay's records, in all generations that may have delivered them. */
export function matchedEntries(ports: EntryPorts, replay: Matched) {
  // What a replay makes good that is started after this one is left alone as well.
  const looksAgain = asksForTheDead(replay);
  let known: Generation[] | undefined;
  return async (records: readonly EventRecord[]): Promise<Map<EventRecord, LedgerEntry[]>> => {
    if (looksAgain || known === undefined) known = await generationsIn(ports.replays, replay);
    return entriesOf(ports, records, known, replay);
  };
}

/** The generations in which the window's events may have been delivered, of replays that can't be read included. */
async function generationsIn(replays: Pick<ReplayStore, "list">, replay: Matched): Promise<Generation[]> {
  const all = await replays.list(MAX_REPLAYS);
  const overlapping = all.flatMap((other): Pick<Replay, "name" | "mode">[] => {
    if (other instanceof UnreadableReplay) return [{ name: other.name, mode: "rerun" }];
    return overlap(other.window, replay.window) ? [other] : [];
  });
  return generationsOf(overlapping, replay);
}

async function entriesOf(
  { events, routing }: EntryPorts,
  records: readonly EventRecord[],
  generations: readonly Generation[],
  { filter, name }: Matched,
): Promise<Map<EventRecord, LedgerEntry[]>> {
  // What no component had may by now have been delivered to any: by this replay, or by another one.
  const hasOthers = generations.some((generation) => generation !== LIVE && generation !== name);
  const mayHaveBeen = asksForUndelivered(filter) || hasOthers;
  const all = await routing.decideOn(({ listeners, held }) => [
    ...listeners.map(({ component }) => component.name),
    ...held.map(({ name }) => name),
  ]);
  const wanted = records.map((record) => {
    const isUnknown = record.components.length === 0 && (mayHaveBeen || isUnreadableRecord(record));
    const components = isUnknown ? all : record.components;
    return components.flatMap((component) =>
      generations.map((generation) => deliveryKeyOf(component, record.eventKey, generation)),
    );
  });
  const keys = [...new Set(wanted.flat())];
  const found = await events.deliveries(keys);
  const entries = new Map(keys.map((key, index) => [key, found[index]]));
  // The same key with another payload was refused, and its refusal stands beside the delivery that came first.
  const refused = records.flatMap((record, index) =>
    (wanted[index] ?? []).flatMap((key) => {
      const entry = entries.get(key);
      return entry === undefined || entry.payloadHash === record.payloadHash ? [] : [`${key}#${record.payloadHash}`];
    }),
  );
  const refusals = [...new Set(refused)];
  const foundRefusals = refusals.length === 0 ? [] : await events.deliveries(refusals);
  refusals.forEach((key, index) => {
    entries.set(key, foundRefusals[index]);
  });
  return new Map(
    records.map((record, index) => {
      const own = (wanted[index] ?? []).flatMap((key) => [key, `${key}#${record.payloadHash}`]);
      return [record, own.flatMap((key) => entries.get(key) ?? [])];
    }),
  );
}

function overlap(a: TimeWindow, b: TimeWindow): boolean {
  return a.from < b.to && b.from < a.to;
}
