import { expect, it } from "vitest";
import { deliveryKeyOf, eventKeyOf } from "../../../shared/domain/deliveries/delivery-key.ts";
import {
  deliveryKeyIn,
  InboxItem,
  inboxOutcome,
  turnoutFieldOf,
} from "../../../shared/domain/deliveries/inbox-item.ts";
import { readOutcome } from "../../../shared/domain/deliveries/outcome-message.ts";
import { read } from "../../../shared/domain/text/schema.ts";
import { anOrdersKey } from "../../support/builders.ts";

const at = "2026-11-20T10:00:00.000Z";
const turnout = {
  ...{ component: "mailer", alias: "laptop-ada", because: "customer pin", generation: "live", attempt: 2 },
  ...{ idempotencyKey: anOrdersKey("order-1"), outcomeToken: "its token", subject: { customer: "acme" }, flow: "f" },
};
const stored = {
  ...{ requestId: "r-1", component: "mailer", alias: "laptop-ada", functionArn: "arn:a:b:c:d:e:laptop", at },
  ...{ timeoutMs: 30_000, event: { id: "e-1", source: "shop", "detail-type": "order placed" }, turnout },
};
const item = InboxItem.parse(stored);

it("an attempt that waits for a laptop is read as it was stored, with whatever its deliverer put on top", () => {
  expect(item).toEqual(stored);
  expect(turnoutFieldOf(item)).toEqual(turnout);
  expect(deliveryKeyIn(item)).toBe(deliveryKeyOf("mailer", eventKeyOf("shop", "order placed", "order-1"), "live"));
});

it("an attempt whose key Turnout gave nobody is of no event", () => {
  const other = { ...item, turnout: { ...turnout, idempotencyKey: "order-1" } };
  expect(deliveryKeyIn(other)).toBe(deliveryKeyOf("mailer", "", "live"));
});

it.each<[string, object]>([
  ["timeoutMs", { timeoutMs: 1.5 }],
  ["at", { at: "yesterday" }],
  ["turnout.attempt", { turnout: { ...turnout, attempt: "2" } }],
  ["turnout.outcomeToken", { turnout: { ...turnout, outcomeToken: undefined } }],
  ["event.extra", { event: { ...stored.event, extra: 1 } }],
])("an attempt that waits for a laptop is refused with something else as its %s", (_, about) => {
  expect(read(InboxItem, { ...stored, ...about }).ok).toBe(false);
});

it("what came of an attempt that waited for a laptop is told as its outcome", () => {
  const told = inboxOutcome(item, { outcome: "done", executedVersion: "laptop" }, new Date(at));
  expect(readOutcome(told)).toMatchObject({
    ok: true,
    value: {
      ...{ eventKey: eventKeyOf("shop", "order placed", "order-1"), attempt: 2, requestId: "r-1", token: "its token" },
      event: { eventId: "e-1", source: "shop", type: "order placed", subject: { customer: "acme" } },
      result: { outcome: "done", executedVersion: "laptop" },
    },
  });
});
