import { setTimeout as delay } from "node:timers/promises";
import type { AttemptOutcome } from "../../shared/domain/deliveries/attempt-outcome.ts";
import { eventKeyOfDelivered } from "../../shared/domain/deliveries/delivered-event.ts";
import { deliveryKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import type { InboxItem } from "../../shared/domain/deliveries/inbox-item.ts";
import { readOutcome } from "../../shared/domain/deliveries/outcome-message.ts";
import { type ListenerPorts, laptopListener } from "../../shared/flows/listen/laptop-listener.ts";
import { sqliteLaptopStore } from "../../shared/laptop-store/sqlite-laptop-store.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { laptopTarget } from "../../shared/targets/laptop-target.ts";
import type { Send, SendResult } from "../../shared/targets/target.ts";
import { anEntry, aRecord } from "../support/stored-events.ts";

const now = () => new Date();

/** What the listener of alias `stable` is: a laptop under its name. */
const CLAIM = { component: "example-consumer", alias: "stable", session: "session-1", owner: "ada on thinkpad" };

/**
 * A laptop that listens, with an inbox of its own, whose code is run by `run`. A send to it ends when the first message of
 * the outcomes queue has told how; each is told twice.
 */
export async function aListenedLaptop(version: string, run: ListenerPorts["run"]) {
  const laptops = sqliteLaptopStore(openDatabase(":memory:"));
  const sent = new Map<string, Send>();
  const ends = new Map<string, (outcome: AttemptOutcome) => void>();
  const keyOf = ({ component, idempotencyKey }: Send) =>
    deliveryKeyOf(component, eventKeyOfDelivered(idempotencyKey) ?? "", "live");

  const events: ListenerPorts["events"] = {
    deliveries: async (keys) =>
      keys.map((deliveryKey) => {
        const send = sent.get(deliveryKey);
        const eventKey = eventKeyOfDelivered(send?.idempotencyKey ?? "") ?? "";
        const about = { component: CLAIM.component, eventKey, status: "accepted", attempt: attemptOf(send) } as const;
        return send && anEntry({ deliveryKey, ...about });
      }),
    find: async (keys) =>
      keys.map(({ eventKey }) => {
        const send = sent.get(deliveryKeyOf(CLAIM.component, eventKey, "live"));
        const { turnout: _, ...event } = JSON.parse(send?.payload ?? "{}");
        return aRecord({ eventKey, id: event.id, body: JSON.stringify(event) });
      }),
  };
  const outcomes: ListenerPorts["outcomes"] = {
    async send(messages) {
      for (const message of [...messages, ...messages]) {
        const read = readOutcome(typeof message === "string" ? message : message.body);
        if (read.ok && read.value !== undefined) ends.get(read.value.requestId)?.(read.value);
      }
      return messages.map((_, index) => `message-${index}`);
    },
  };
  const listener = laptopListener({ laptops, events, outcomes, now, delay, run, tell: () => {} }, CLAIM, version);
  await listener.beat();

  let isFull = false;
  const inbox = {
    async deliver(item: InboxItem) {
      if (isFull) throw new Error("database or disk is full");
      await laptops.deliver(item);
    },
  };
  const handOver = laptopTarget({ laptops: inbox, now });

  let waiting = 0;
  let isLooking = false;
  /** As the command does: one look at a time, as long as somebody waits. */
  async function look(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    for (; waiting > 0; await delay(1)) await listener.take(2);
    isLooking = false;
  }

  async function target(send: Send): Promise<SendResult> {
    const start = now();
    const told = Promise.withResolvers<AttemptOutcome>();
    sent.set(keyOf(send), send);
    ends.set(send.requestId, told.resolve);
    const handed = await handOver(send);
    if (handed.outcome !== "accepted") return handed;
    waiting += 1;
    void look();
    const end = await told.promise;
    waiting -= 1;
    return resultOf(end, now().getTime() - start.getTime());
  }

  return {
    target,
    /** Its inbox takes nothing more, until what is returned is called. */
    fill: () => {
      isFull = true;
      return () => {
        isFull = false;
      };
    },
  };
}

function attemptOf(send: Send | undefined): number {
  return send === undefined ? 0 : JSON.parse(send.payload).turnout.attempt;
}

function resultOf({ result }: AttemptOutcome, durationMs: number): SendResult {
  return result.outcome === "throttled" ? result : { ...result, durationMs };
}
