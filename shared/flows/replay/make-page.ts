import { noCounts, type Replay } from "../../domain/replays/replay.ts";
import { type CountedItem, withCounted } from "../../domain/replays/replay-counts.ts";
import type { FoundPage } from "../../domain/replays/replay-progress.ts";
import { claim } from "../deliver/claim-deliveries.ts";
import type { Delivery } from "../deliver/router-ports.ts";
import type { Made } from "./deliver-batch.ts";
import { deliverPage } from "./deliver-page.ts";
import { givenUp, givingUp, isAwaited, isToMake, isUntried, untouched } from "./judge-item.ts";
import type { MatchedPage, ReplayMatcher } from "./match-replay.ts";
import type { Pace } from "./pace.ts";
import { lineOf } from "./page-lanes.ts";
import type { ReplayDriver } from "./replay-driver.ts";
import type { BegunItem, DeliverItem, ReplayItem } from "./replay-item.ts";
import type { ReplayerPorts } from "./replayer-ports.ts";

/** How long a decision holds. */
const FRESH_MS = 1_000;

/** Claims in one request. */
const MAX_BATCH = 25;

/** What a page is made with. */
type Making = { matcher: Pick<ReplayMatcher, "again">; driver: Pick<ReplayDriver, "goOn">; pace: Pace };

type Untried = { item: ReplayItem; delivery: Delivery };

/**
 * Delivers what is to be delivered of a replay's pages, oldest first in each line: what comes after something that isn't
 * at rest waits for a later pass. It is made for one pass; the stretches that this leaves open hold the same lines again.
 */
export function pageMaker(ports: ReplayerPorts, replay: Replay, { matcher, driver, pace }: Making) {
  const { name, concurrency, progress } = replay;
  const cancelling = progress.cancelling === true;
  /** The lines in which something earlier isn't at rest. */
  const held = new Set<string>();

  const awaited = (item: ReplayItem, result: CountedItem) => isAwaited(item, result, replay, ports);
  const hold = (item: ReplayItem) => {
    const line = lineOfItem(item);
    if (line !== undefined) held.add(line);
  };

  /** What is to be made now, and isn't held up by something earlier in its line. */
  function makeable(items: readonly ReplayItem[], now: Date): (DeliverItem | BegunItem)[] {
    if (cancelling) return items.filter((item) => isToMake(item, now, true));
    // Of this page alone: what waits here now may be at rest when the page is done with.
    const heldHere = new Set(held);
    return items.filter((item): item is DeliverItem | BegunItem => {
      const line = lineOfItem(item);
      if (isToMake(item, now, false)) return line === undefined || !heldHere.has(line);
      if (line !== undefined && awaited(item, untouched(item, false))) heldHere.add(line);
      return false;
    });
  }

  /** Takes back what nothing was sent for, as if it had never been begun. Answers what was. */
  async function takenBack(untried: readonly Untried[]): Promise<Untried[]> {
    const [batch, others] = [untried.slice(0, MAX_BATCH), untried.slice(MAX_BATCH)];
    if (batch.length === 0) return [];
    await driver.goOn();
    const owner = ports.newId();
    const claims = await claim(
      ports,
      batch.map(({ delivery }) => delivery),
      owner,
    );
    const won = batch.filter((_, index) => claims[index]?.won === true);
    await ports.events.release(
      won.map(({ delivery }) => delivery.request.deliveryKey),
      owner,
    );
    return [...won, ...(await takenBack(others))];
  }

  /**
   * What could only be read now is stored under the key that it has now, before it is delivered: whoever tries it again
   * looks for it there. What it was stored as goes after that; a crash in between leaves both, and the next run sees to it.
   */
  async function storeAnew({ anew }: MatchedPage, deliveries: readonly Delivery[]): Promise<void> {
    const toSend = new Set(deliveries.map(({ request }) => request.eventKey));
    const sent = anew.filter(({ record }) => toSend.has(record.eventKey));
    if (sent.length === 0) return;
    await ports.events.record(sent.map(({ record }) => record));
    await ports.events.record(sent.map(({ stored }) => ({ ...stored, body: "", expiresAt: ports.now() })));
  }

  /** Makes a page. Answers what was made of each item that wasn't left as it was. */
  async function made(page: MatchedPage, now: Date): Promise<Map<ReplayItem, CountedItem>> {
    const toMake = makeable(page.items, now);
    const results = new Map<ReplayItem, CountedItem>();
    const itemOf = new Map<Delivery, DeliverItem | BegunItem>();
    /** The deliveries of items by the routing as it is; undefined for those that are skipped after all. */
    const decided = async (items: readonly (DeliverItem | BegunItem)[]) => {
      return zip(items, await matcher.again(items)).map(([item, answer]) => {
        if (answer.kind === "deliver") return cancelling ? givenUp(answer.delivery, name) : answer.delivery;
        results.set(item, { kind: "skip", reason: answer.reason });
        return undefined;
      });
    };
    // What the match has decided is looked at again at its turn; only what was begun has nothing decided yet.
    const again = toMake.filter((item) => item.kind === "begun");
    const decidedAgain = new Map(again.length === 0 ? [] : zip(again, await decided(again)));
    const neverRun: Untried[] = [];
    const deliveries = toMake.flatMap((item) => {
      const delivery = item.kind === "begun" ? decidedAgain.get(item) : item.delivery;
      if (delivery === undefined) return [];
      if (cancelling && isUntried(item, name)) {
        neverRun.push({ item, delivery });
        return [];
      }
      itemOf.set(delivery, item);
      return [delivery];
    });
    for (const { item } of await takenBack(neverRun)) results.set(item, { kind: "skip", reason: "cancelled" });
    await storeAnew(page, deliveries);
    const longestLeaseMs = deliveries.reduce((most, { request }) => Math.max(most, request.leaseMs), 0);
    const answers = await deliverPage(ports, deliveries, {
      concurrency,
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
    for (const [head, item] of itemOf) {
      const result = answers.get(head);
      if (result !== undefined) results.set(item, sent(result));
    }
    return results;
  }

  return {
    /** Takes note of the lines that an earlier part of the window holds, where a pass goes on behind it. */
    noteHeld({ items }: MatchedPage): void {
      for (const item of items) if (awaited(item, untouched(item, false))) hold(item);
    },
    async make(page: MatchedPage): Promise<FoundPage> {
      const now = ports.now();
      const results = await made(page, now);
      let waitsFor = 0;
      const counted = page.items.map((item) => {
        const result = results.get(item) ?? untouched(item, cancelling);
        if (awaited(item, result)) {
          waitsFor += 1;
          hold(item);
        }
        return result;
      });
      const { upTo, decidedAt } = page;
      const found = { upTo, decidedAt, counts: withCounted(noCounts(), page.scanned, counted), waitsFor };
      return counted.some(({ kind }) => kind === "sent") ? { ...found, firstSentAt: now } : found;
    },
  };
}

function lineOfItem({ component, record }: ReplayItem): string | undefined {
  return component === undefined ? undefined : lineOf(component, record);
}

function sent({ state, delivery, version }: Made): CountedItem {
  const { component, alias } = delivery.request;
  return { kind: "sent", state, component, alias, version };
}

/** Two lists of the same length. */
function zip<A, B>(as: readonly A[], bs: readonly B[]): [A, B][] {
  return as.map((a, index) => [a, bs[index] as B]);
}
