import type { EventRecord } from "../../domain/deliveries/delivery.ts";
import type { ToldOutcome } from "../../domain/deliveries/destination-record.ts";
import { type InboxItem, inboxOutcome } from "../../domain/deliveries/inbox-item.ts";
import { isLive, type LaptopLease, type LeaseClaim } from "../../domain/routing/laptop-lease.ts";
import type { SendResult } from "../../targets/target.ts";
import { beat, endSession, type SessionPorts } from "./laptop-session.ts";
import { handBack, type InboxPorts } from "./sweep-inboxes.ts";
import { type TakenItem, type TakePorts, takeInbox } from "./take-inbox.ts";

export type ListenerPorts = SessionPorts &
  InboxPorts &
  TakePorts & {
    /** Runs the developer's code. Never throws. `throttled`: nothing has run, and it is taken up again. */
    run: (taken: TakenItem) => Promise<SendResult>;
    delay: (ms: number) => Promise<unknown>;
    tell: (said: ListenerSaid) => void;
  };

/** What happens while a laptop listens. */
export type ListenerSaid =
  | { said: "arrived"; item: InboxItem; record: EventRecord }
  | { said: "ended"; item: InboxItem; record: EventRecord; result: SendResult & { outcome: "done" | "failed" } }
  /** It had been decided again before it ended: nothing came of it. */
  | { said: "too late"; item: InboxItem; record: EventRecord }
  /** The lease had lapsed, for the laptop slept or was cut off; it is held again, and what was in hand is somebody else's. */
  | { said: "slept"; why: string; lost: number }
  /** The store hears nothing of this laptop any more: from `until` on its events go to the fallback. */
  | { said: "cut off"; error: unknown; until: string | undefined }
  /** It does again, and the lease was held all the time. */
  | { said: "back" }
  /** Somebody else holds the lease by now. */
  | { said: "taken over"; by: LaptopLease }
  | { said: "trouble"; error: unknown };

/** Where the lease stands after a beat. */
export type Standing = "held" | "taken over" | "cut off";

/** How long a result that can't be told is kept before it is tried again, and an item whose code had no room. */
const TRY_AGAIN_MS = 1_000;

/** How long a beat waits for an answer before that is told: the store's client tries for most of the lease by itself. */
const SILENT_MS = 5_000;

/** A laptop that holds its alias's lease: takes what waits in the inbox, runs it, and tells what came of it. */
export function laptopListener(ports: ListenerPorts, claim: LeaseClaim, version: string) {
  const { laptops, outcomes, now, tell } = ports;
  const inHand = new Map<string, TakenItem>();
  let lease: LaptopLease | undefined;
  let stopped = false;
  let isCutOff = false;

  const isMine = (taken: TakenItem) => inHand.get(taken.item.requestId) === taken;

  /** Says that it is still there. What was in hand when the lease lapsed has been decided again since. */
  async function holdOn(): Promise<"held" | "taken over"> {
    const answer = await beat(ports, claim);
    if ("refused" in answer) {
      lease = undefined;
      inHand.clear();
      if (!stopped) tell({ said: "taken over", by: answer.refused });
      return "taken over";
    }
    lease = answer.held;
    if (answer.sleptPast !== undefined) {
      tell({ said: "slept", why: answer.sleptPast, lost: inHand.size });
      inHand.clear();
    } else if (isCutOff && !stopped) tell({ said: "back" });
    isCutOff = false;
    return "held";
  }

  /** As `holdOn`; tells once that nobody hears it, while it may still be trying. */
  async function beatOnce(): Promise<Standing> {
    let isOver = false;
    const silent = (error: unknown) => {
      if (isOver || isCutOff || stopped) return;
      isCutOff = true;
      tell({ said: "cut off", error, until: lease?.until });
    };
    void ports.delay(SILENT_MS).then(() => silent(new Error(`no answer for ${SILENT_MS / 1_000} s`)));
    try {
      return await holdOn();
    } catch (error) {
      silent(error);
      return "cut off";
    } finally {
      isOver = true;
    }
  }

  async function conclude(taken: TakenItem): Promise<void> {
    const { item, record } = taken;
    const result = await ports.run(taken);
    if (result.outcome === "throttled" || result.outcome === "accepted") {
      await ports.delay(TRY_AGAIN_MS);
      if (isMine(taken)) inHand.delete(item.requestId);
      return;
    }
    const text = inboxOutcome(item, toldOutcome(result, version), now());
    while (isMine(taken)) {
      try {
        // A laptop that slept, or was cut off, hears of its code before it has said again that it is there.
        if (lease !== undefined && !isLive(lease, now())) await holdOn();
        if (!isMine(taken)) break;
        await outcomes.send([text], now());
        // In this order: what has left the hand while it still lies in the inbox would be taken up once more.
        await laptops.remove([item]);
        inHand.delete(item.requestId);
        tell({ said: "ended", item, record, result });
        return;
      } catch (error) {
        tell({ said: "trouble", error });
        await ports.delay(TRY_AGAIN_MS);
      }
    }
    if (!stopped) tell({ said: "too late", item, record });
  }

  return {
    lease: () => lease,
    inHand: () => inHand.size,

    beat: beatOnce,

    /** Begins what waits, while the lease holds, up to so many at once. Returns how many it has begun. */
    async take(most: number): Promise<number> {
      const room = most - inHand.size;
      if (stopped || room <= 0 || lease === undefined || !isLive(lease, now())) return 0;
      const { taken, lost } = await takeInbox(ports, claim, new Set(inHand.keys()), room);
      await handBack(ports, lost, "the event's body can't be had");
      // The read may have taken long.
      if (stopped || !isLive(lease, now())) return 0;
      for (const one of taken) {
        inHand.set(one.item.requestId, one);
        tell({ said: "arrived", item: one.item, record: one.record });
        void conclude(one).catch((error: unknown) => tell({ said: "trouble", error }));
      }
      return taken.length;
    },

    /** Ends the lease and hands everything back, what is in hand too. Returns how many attempts that were. */
    async stop(why: string): Promise<number> {
      stopped = true;
      inHand.clear();
      await endSession(ports, claim);
      let handed = 0;
      for (;;) {
        const items = await laptops.inbox(claim, 100);
        await handBack(ports, items, why);
        handed += items.length;
        if (items.length < 100) return handed;
      }
    },
  };
}

function toldOutcome(result: SendResult & { outcome: "done" | "failed" }, executedVersion: string): ToldOutcome {
  if (result.outcome === "done") return { outcome: "done", executedVersion };
  return { outcome: "failed", error: result.error, executedVersion };
}
