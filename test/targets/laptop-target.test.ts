import { describe, expect, it } from "vitest";
import { deliveredEvent } from "../../shared/domain/deliveries/delivered-event.ts";
import type { InboxItem } from "../../shared/domain/deliveries/inbox-item.ts";
import { laptopTarget } from "../../shared/targets/laptop-target.ts";
import type { Send } from "../../shared/targets/target.ts";
import { anItem } from "../contracts/laptop-store.contract.ts";
import { aComponent, anEvent, bodyOf } from "../support/builders.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const { turnout } = anItem();

const aSend = (about: Partial<Send> = {}): Send => ({
  component: "mailer",
  alias: "laptop-ada",
  address: { kind: "laptop" },
  invocation: { kind: "sync" },
  worker: aComponent().worker,
  subject: { customer: "acme" },
  payload: deliveredEvent(bodyOf(anEvent({ detail: { text: "é" } })), turnout as never),
  idempotencyKey: turnout.idempotencyKey,
  lapses: 0,
  requestId: "request-1",
  timeoutMs: 30_000,
  latestStart: new Date(now.getTime() + 1_000),
  ...about,
});

async function sent(about: Partial<Send> = {}, deliver?: () => Promise<void>) {
  const inbox: InboxItem[] = [];
  const put = async (item: InboxItem) => void inbox.push(item);
  const result = await laptopTarget({ laptops: { deliver: deliver ?? put }, now: () => now })(aSend(about));
  return { result, inbox };
}

describe("a target of kind laptop", () => {
  it("puts into the inbox what names the attempt and not the event, and answers that it is accepted", async () => {
    const { result, inbox } = await sent();
    expect(result).toEqual({ outcome: "accepted", durationMs: 0, answerMs: 21_600_000 });
    expect(inbox).toEqual([anItem()]);
  });

  it("counts nothing as a failure that the inbox is to blame for, or a lease that is too short", async () => {
    const down = async () => {
      throw new Error("the disk is full");
    };
    const error = { type: "InboxUnavailable", message: "the inbox of laptop-ada can't be written: the disk is full" };
    expect((await sent({}, down)).result).toEqual({ outcome: "throttled", error });
    const late = await sent({ latestStart: new Date(0) });
    expect(late).toMatchObject({ result: { outcome: "throttled", error: { type: "LeaseTooShort" } }, inbox: [] });
  });

  it("fails what is addressed to another kind, and what no outcome could be told of", async () => {
    const wrong = await sent({ address: { kind: "worker" } });
    expect(wrong).toMatchObject({ result: { outcome: "failed", error: { type: "WrongTarget" } }, inbox: [] });
    const { outcomeToken: _, ...untold } = turnout;
    const payload = deliveredEvent(bodyOf(anEvent()), untold as never);
    expect(await sent({ payload })).toMatchObject({ result: { outcome: "failed", error: { type: "WrongPayload" } } });
  });
});
