import type { LedgerEntry } from "../../domain/deliveries/delivery.ts";
import { LIVE } from "../../domain/deliveries/delivery-key.ts";
import { wasNeverRun } from "../../domain/deliveries/ledger-rules.ts";
import type { AttemptResult } from "../../domain/deliveries/settle-attempt.ts";
import type { Replay } from "../../domain/replays/replay.ts";
import { type CountedItem, stateOf } from "../../domain/replays/replay-counts.ts";
import { claim } from "../deliver/claim-deliveries.ts";
import type { Delivery } from "../deliver/router-ports.ts";
import { deliverPage } from "./deliver-page.ts";
import type { Made } from "./made-delivery.ts";
import { decideAgain, type MatchedPage } from "./match-replay.ts";
import type { Pace } from "./pace.ts";
import { lineOf } from "./page-lanes.ts";
import type { ReplayDriver } from "./replay-driver.ts";
import { type BegunItem, type DeliverItem, matchedAs, type ReplayItem } from "./replay-item.ts";
import type { ReplayerPorts } from "./replayer-ports.ts";

/**
 * How long a delivery that others are at is waited for, counted from the start: longer than any lease. For one that they
 * have handed over by then its outcome is waited for.
 */
const MAX_LEASE_MS = 900_000;

/** How long a decision holds. */
const FRESH_MS = 1_000;

/** Claims in one request. */
const MAX_BATCH = 25;

/** What was made of a page, and how many of its things are waited for. */
export type MadePage = { counted: CountedItem[]; waitsFor: number; firstSentAt?: Date };

/**
 * Lines in which something earlier isn't at rest: what comes later in them waits for a later pass. As long as one pass
 * lasts; the stretches that it leaves open have the same again.
 */
export type HeldLines = Set<string>;

/**
 * Delivers what is to be delivered of a page, oldest first in each line.
 * @param held taken note of, and added to
 */
export async function makePage(
  ports: ReplayerPorts,
  replay: Replay,
  page: MatchedPage,
  driver: ReplayDriver,
  pace: Pace,
  held: HeldLines,
): Promise<MadePage> {
  const now = ports.now();
  const { name } = replay;
  const cancelling = replay.progress.cancelling === true;
  const matched = matchedAs(replay);
  const toMake = makeable(page.items, replay, ports, held);
  const results = new Map<ReplayItem, CountedItem>();
  const itemOf = new Map<Delivery, DeliverItem | BegunItem>();
  /** The deliveries of items by the routing as it is; undefined for those that are skipped after all. */
  const decided = async (items: readonly (DeliverItem | BegunItem)[]) => {
    const answers = await decideAgain(ports, matched, items, ports.now());
    return items.map((item, index) => {
      const answer = answers[index];
      if (answer?.kind === "deliver") return cancelling ? givenUp(answer.delivery, name) : answer.delivery;
      if (answer !== undefined) results.set(item, { kind: "skip", reason: answer.reason });
      return undefined;
    });
  };
  // What the match has decided is looked at again at its turn; only what was begun has nothing decided yet.
  const again = toMake.filter((item) => item.kind === "begun");
  const decidedAgain = new Map(again.length === 0 ? [] : zip(again, await decided(again)));
  const neverRun: Delivery[] = [];
  const deliveries = toMake.flatMap((item) => {
    const delivery = item.kind === "begun" ? decidedAgain.get(item) : item.delivery;
    if (delivery === undefined) return [];
    itemOf.set(delivery, item);
    if (!cancelling || !isUntried(item, name)) return [delivery];
    neverRun.push(delivery);
    return [];
  });
  for (const delivery of await takenBack(ports, neverRun, driver)) {
    const item = itemOf.get(delivery);
    if (item !== undefined) results.set(item, { kind: "skip", reason: "cancelled" });
  }
  const longestLeaseMs = deliveries.reduce((most, { request }) => Math.max(most, request.leaseMs), 0);
  const made = await deliverPage(ports, deliveries, {
    concurrency: replay.concurrency,
    pace,
    goOn: () => driver.goOn(longestLeaseMs),
    async decide(heads) {
      const revision = await ports.routing.refresh();
      // A rule may begin or end without a change.
      const isFresh = ports.now().getTime() - page.decidedAt.getTime() < FRESH_MS;
      if (isFresh && heads.every(({ request }) => request.routingRevision === revision)) return [...heads];
      return decided(heads.flatMap((head) => itemOf.get(head) ?? []));
    },
    look: (handedOver) => ports.events.deliveries(handedOver.map(({ request }) => request.deliveryKey)),
    ...(cancelling ? { attempt: async (_, delivery) => givingUp(itemOf.get(delivery)), keepsOrder: false } : {}),
  });
  for (const [head, result] of made) {
    const item = itemOf.get(head);
    if (item !== undefined && result !== undefined) results.set(item, sent(result));
  }
  let waitsFor = 0;
  const counted = page.items.map((item) => {
    const result = results.get(item) ?? untouched(item, cancelling);
    if (isAwaited(item, result, replay, ports)) {
      waitsFor += 1;
      hold(held, item);
    }
    return result;
  });
  return { counted, waitsFor, ...(counted.some(({ kind }) => kind === "sent") ? { firstSentAt: now } : {}) };
}

/** What is to be made now, and isn't held up by something earlier in its line. */
function makeable(
  items: readonly ReplayItem[],
  replay: Replay,
  ports: Waiting,
  held: HeldLines,
): (DeliverItem | BegunItem)[] {
  const now = ports.now();
  if (replay.progress.cancelling === true) return items.filter((item) => isToMake(item, now, true));
  // Of this page alone: what waits here now may be at rest when the page is done with.
  const heldHere = new Set(held);
  return items.filter((item): item is DeliverItem | BegunItem => {
    const line = lineOfItem(item);
    if (isToMake(item, now, false)) return line === undefined || !heldHere.has(line);
    if (line !== undefined && isAwaited(item, untouched(item, false), replay, ports)) heldHere.add(line);
    return false;
  });
}

function hold(held: HeldLines, item: ReplayItem): void {
  const line = lineOfItem(item);
  if (line !== undefined) held.add(line);
}

function lineOfItem({ component, record }: ReplayItem): string | undefined {
  return component === undefined ? undefined : lineOf(component, record);
}

/** Takes note of the lines that an earlier part of the window holds, for a pass that goes on behind it. */
export function noteHeld(page: MatchedPage, replay: Replay, ports: Waiting, held: HeldLines): void {
  for (const item of page.items) if (isAwaited(item, untouched(item, false), replay, ports)) hold(held, item);
}

type Waiting = Pick<ReplayerPorts, "now" | "settleMs">;

/** Whether what became of an item isn't known yet, and will be. */
function isAwaited(item: ReplayItem, result: CountedItem, { progress }: Replay, { now, settleMs }: Waiting): boolean {
  if (result.kind === "sent") {
    if (result.state !== "open") return false;
    // What was reopened in the generation of its arrival is looked after as such; a cancelled replay doesn't wait for it.
    const generation = item.kind === "deliver" ? item.delivery.request.generation : item.entry?.generation;
    return progress.cancelling !== true || generation !== LIVE;
  }
  if (result.kind !== "skip" || progress.cancelling === true) return false;
  if (result.reason === "held up") return true;
  if (result.reason !== "not at rest" || item.entry === undefined) return false;
  const { startedAt = now() } = progress;
  if (isOnItsWay(item.entry, startedAt, now())) return true;
  // What waits between two attempts may be at rest by the time of the second look.
  return item.entry.status === "failed" && now().getTime() < startedAt.getTime() + settleMs;
}

/**
 * Whether somebody else is at a delivery since before the replay began: once that is over it is to be made again. What was
 * tried once more since then follows the routing of today.
 */
function isOnItsWay({ status, closedAt }: LedgerEntry, startedAt: Date, now: Date): boolean {
  if (status !== "claimed" && status !== "accepted") return false;
  const at = status === "claimed" || closedAt === undefined ? now : closedAt;
  return at.getTime() - startedAt.getTime() < MAX_LEASE_MS;
}

function untouched(item: ReplayItem, cancelling: boolean): CountedItem {
  switch (item.kind) {
    case "begun":
      return begun(item.entry);
    case "deliver":
      return { kind: "skip", reason: cancelling ? "cancelled" : "held up" };
    case "skip":
      return { kind: "skip", reason: item.reason };
  }
}

function isToMake(item: ReplayItem, now: Date, cancelling: boolean): item is DeliverItem | BegunItem {
  if (item.kind === "deliver") return !cancelling;
  if (item.kind === "skip" || item.entry.generation === LIVE) return false;
  // What is to be given up needn't wait for its backoff.
  if (cancelling && item.entry.status === "failed") return true;
  const opens = opensAt(item.entry);
  return opens !== undefined && opens <= now;
}

/** When a delivery that isn't at rest may be claimed again. */
function opensAt({ status, nextAttemptAt, leaseUntil }: LedgerEntry): Date | undefined {
  if (status === "claimed") return leaseUntil;
  return status === "failed" || status === "accepted" ? nextAttemptAt : undefined;
}

function sent({ state, delivery, version }: Made): CountedItem {
  const { component, alias } = delivery.request;
  return { kind: "sent", state, component, alias, version };
}

function begun(entry: LedgerEntry): CountedItem & { kind: "sent" } {
  const { component, alias, executedVersion = "" } = entry;
  return { kind: "sent", state: stateOf(entry), component, alias, version: executedVersion };
}

function zip<A, B>(as: readonly A[], bs: readonly (B | undefined)[]): [A, B | undefined][] {
  return as.map((a, index) => [a, bs[index]]);
}

/** Claimed before its time, as far as this replay hasn't done so before. */
function givenUp(delivery: Delivery, name: string): Delivery {
  return { ...delivery, request: { ...delivery.request, reopenedBy: name } };
}

/** Dead of what it failed with, as far as that is known. */
function givingUp(item: ReplayItem | undefined): AttemptResult {
  const { status, attempts = [], error: last } = item?.entry ?? {};
  const failure = attempts.findLast(({ outcome }) => outcome === "failed" || outcome === "dead")?.error ?? last;
  if (status !== "failed" || failure === undefined) {
    const message = "the replay was cancelled, and what became of the last attempt isn't known";
    return { outcome: "exhausted", error: { type: "ReplayCancelled", message } };
  }
  const message = `not tried again, as the replay was cancelled: ${failure.message}`;
  return { outcome: "exhausted", error: { type: failure.type, message } };
}

/** Whether the replay has claimed a delivery of its own, and nothing was ever sent for it. */
function isUntried({ entry }: ReplayItem, name: string): boolean {
  return entry !== undefined && entry.generation === name && entry.status === "failed" && wasNeverRun(entry);
}

/** Takes back what nothing was sent for, as if it had never been begun. Answers what was. */
async function takenBack(
  ports: ReplayerPorts,
  deliveries: readonly Delivery[],
  driver: ReplayDriver,
): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  for (let first = 0; first < deliveries.length; first += MAX_BATCH) {
    const batch = deliveries.slice(first, first + MAX_BATCH);
    await driver.goOn();
    const owner = ports.newId();
    const claims = await claim(ports, batch, owner);
    const won = batch.filter((_, index) => claims[index]?.won === true);
    await ports.events.release(
      won.map(({ request }) => request.deliveryKey),
      owner,
    );
    taken.push(...won);
  }
  return taken;
}
