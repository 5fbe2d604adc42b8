import { describe, expect, it } from "vitest";
import { MAX_LAPSES } from "../../../shared/domain/deliveries/delivery.ts";
import { parseEvent, routeMessage } from "../../../shared/flows/deliver/route-message.ts";
import type { Delivery } from "../../../shared/flows/deliver/router-ports.ts";
import { sendOne } from "../../../shared/flows/deliver/send-one.ts";
import type { Send, Target } from "../../../shared/targets/target.ts";
import { aClaimRequest, aComponent } from "../../support/builders.ts";
import { aMessage, done } from "../../support/router.ts";

const leaseUntil = new Date("2026-11-20T10:01:00.000Z");
const now = new Date("2026-11-20T10:00:00.000Z");
const won = { won: true, attempt: 3, failures: 2, lapses: 0, since: leaseUntil, t0: leaseUntil, leaseUntil } as const;

function aDelivery(component = aComponent({ name: "mailer" })): Delivery {
  const listeners = [{ component, matches: () => true }];
  const view = {
    revision: 7,
    listeners,
    held: [],
    missing: new Set<never>(),
    rowOf: () => undefined,
    subjectRow: () => undefined,
    problemOf: () => undefined,
  };
  const routed = routeMessage(parseEvent(aMessage()), view, leaseUntil);
  const [route] = routed.routes;
  if (route === undefined) throw new Error("nobody listens");
  return { routed, route, request: aClaimRequest({ component: component.name, generation: "replay-1" }) };
}

async function send(delivery: Delivery, claimed: Parameters<typeof sendOne>[2], target: Target = async () => done) {
  const sends: Send[] = [];
  const watched: Target = (one) => {
    sends.push(one);
    return target(one);
  };
  const sent = await sendOne({ target: watched, now: () => now }, delivery, claimed, {
    owner: "owner",
    requestId: "r-1",
  });
  return { sent, sends };
}

describe("a send", () => {
  it("carries attempt and generation of its claim, and begins while the lease has timeout and 2 s left", async () => {
    const { sent, sends } = await send(aDelivery(), won);
    expect(sent).toEqual(done);
    expect(sends).toMatchObject([
      {
        requestId: "r-1",
        timeoutMs: 30_000,
        latestStart: new Date("2026-11-20T10:00:28.000Z"),
      },
    ]);
    expect(JSON.parse(sends[0]?.payload ?? "").turnout).toMatchObject({
      attempt: 3,
      generation: "replay-1",
      replay: "replay-1",
    });
  });

  it("isn't made of what is held or refused, which is put off or given up", async () => {
    const error = { type: "RowUnreadable", message: "it can't be read" };
    const { route, ...delivery } = aDelivery();
    const held = await send({ ...delivery, route: { ...route, held: error } }, won);
    const refused = await send({ ...delivery, route: { ...route, refused: error } }, won);
    expect([held.sent, refused.sent]).toEqual([
      { outcome: "throttled", error },
      { outcome: "exhausted", error },
    ]);
    expect([...held.sends, ...refused.sends]).toEqual([]);
  });

  it("isn't made when too many leases have lapsed, over a quarter of an hour", async () => {
    const lapsed = (minutesAgo: number, lapses: number) => {
      return send(aDelivery(), { ...won, lapses, since: new Date(now.getTime() - minutesAgo * 60_000) });
    };
    const { sent, sends } = await lapsed(15, MAX_LAPSES);
    expect(sends).toEqual([]);
    expect(sent).toMatchObject({ outcome: "exhausted", error: { type: "LeaseLapsed" } });
    for (const { sent: other } of [await lapsed(14, 100), await lapsed(600, MAX_LAPSES - 1)]) {
      expect(other).toEqual(done);
    }
  });

  it("isn't made past the age that the component's retries may have", async () => {
    const aged = (ms: number) => send(aDelivery(), { ...won, since: new Date(now.getTime() - ms) });
    expect((await aged(86_400_000)).sent).toEqual(done);
    const { sent, sends } = await aged(86_400_001);
    expect(sends).toEqual([]);
    expect(sent).toMatchObject({ outcome: "exhausted", error: { type: "TooOld" } });
  });

  it("fails without being made when the component has neither the alias nor its fallback", async () => {
    const { sent, sends } = await send(aDelivery(aComponent({ name: "mailer", aliases: ["beta"] })), won);
    expect(sends).toEqual([]);
    expect(sent).toEqual({
      outcome: "failed",
      durationMs: 0,
      error: { type: "NoAlias", message: "mailer has no alias 'stable', not even as a fallback" },
    });
  });

  it.each([
    { what: "rejects", target: () => Promise.reject(new Error("a bug")), message: "a bug" },
    { what: "rejects with text", target: () => Promise.reject("text"), message: "text" },
    {
      what: "throws before it answers",
      target: () => {
        throw new Error("a bug");
      },
      message: "a bug",
    },
  ])("fails with the error of a target that $what", async ({ target, message }) => {
    const { sent } = await send(aDelivery(), won, target);
    expect(sent).toEqual({ outcome: "failed", durationMs: 0, error: { type: "TargetThrew", message } });
  });
});
