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
  /** The lease had lapsed, for the laptop slept; it is held again, and what was in hand is somebody else's. */
  | { said: "slept"; why: string; lost: number }
  /** Somebody else holds the lease by now. */
  | { said: "taken over"; by: LaptopLease }
  | { said: "trouble"; error: unknown };

/** Where the lease stands after a beat. */
export type Standing = "held" | "taken over";

/** How long a result that can't be told is kept before it is tried again, and an item whose code had no room. */
const TRY_AGAIN_MS = 1_000;

/** A laptop that holds its alias's lease: takes what waits in the inbox, runs it, and tells what came of it. */
export function laptopListener(ports: ListenerPorts, claim: LeaseClaim, version: string) {
  const { laptops, outcomes, now, tell } = ports;
  const inHand = new Map<string, TakenItem>();
  let lease: LaptopLease | undefined;
  let stopped = false;

  const isMine = (taken: TakenItem) => inHand.get(taken.item.requestId) === taken;

  /** Says that it is still there. What was in hand when the lease lapsed has been decided again since. */
  async function holdOn(): Promise<Standing> {
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
    }
    return "held";
  }

  async function conclude(taken: TakenItem): Promise<void> {
    const { item, record } = taken;
    const result = await ports.run(taken);
    // A laptop that slept hears of its code before it has said again that it is there.
    if (!stopped && lease !== undefined && !isLive(lease, now())) await holdOn();
    if (result.outcome === "throttled" || result.outcome === "accepted") {
      await ports.delay(TRY_AGAIN_MS);
      if (isMine(taken)) inHand.delete(item.requestId);
      return;
    }
    if (!isMine(taken)) {
      if (!stopped) tell({ said: "too late", item, record });
      return;
    }
    const text = inboxOutcome(item, toldOutcome(result, version), now());
    while (isMine(taken)) {
      try {
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
  }

  return {
    lease: () => lease,
    inHand: () => inHand.size,

    beat: holdOn,

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
