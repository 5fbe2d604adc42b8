import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { expect, it, onTestFinished } from "vitest";
import { readFacts } from "../../shared/domain/events/event.ts";
import { putOnBus } from "../../shared/installation/event-bus.ts";
import { anEvent, bodyOf } from "../support/builders.ts";
import { controlPlaneStub } from "../support/control-plane-stub.ts";

const machine = { random: () => 0, delay: async () => {} };

/** An event that is ready for the bus, with this detail. */
function ready(id: string, detail: Record<string, unknown> = {}) {
  const event = { ...anEvent({ id }), detail };
  return { event, body: bodyOf(event) };
}

async function aBus() {
  const plane = await controlPlaneStub();
  const credentials = { accessKeyId: "turnout", secretAccessKey: "turnout" };
  const client = new EventBridgeClient({ endpoint: plane.endpoint, region: "eu-west-1", credentials, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return { plane, client };
}

it("Events go to the bus ten at a time, and each gets the id that the bus gave it", async () => {
  const { plane, client } = await aBus();
  const events = Array.from({ length: 23 }, (_, index) => ready(`e${index}`, { index }));
  const settled = await putOnBus(client, "bus", events, machine);
  expect(plane.counts.PutEvents).toBe(3);
  expect(new Set(settled.map((one) => "eventId" in one && one.eventId)).size).toBe(23);
  const [first] = plane.published.filter(({ Detail }) => JSON.parse(Detail).index === 7);
  expect(JSON.parse(first?.Detail ?? "")).toEqual({ index: 7, metadata: { turnoutEventId: "e7" } });
});

it("An event that has a key, or another use for metadata, goes out as it is", async () => {
  const { plane, client } = await aBus();
  const details = [
    { metadata: { idempotencyKey: "mine", customer: "acme" } },
    { metadata: "none" },
    { metadata: ["none"] },
  ];
  await putOnBus(
    client,
    "bus",
    details.map((detail) => ready("e", detail)),
    machine,
  );
  expect(plane.published.map(({ Detail }) => JSON.parse(Detail))).toEqual(details);
});

it("An event keeps the id that it had as its last resort: a key at its source's path comes before it", async () => {
  const { plane, client } = await aBus();
  const details = [{ order: 7 }, { metadata: { customer: "acme", idempotencyKey: null } }];
  await putOnBus(
    client,
    "bus",
    details.map((detail, index) => ready(`e-${index}`, detail)),
    machine,
  );
  const source = { source: "shop", idempotencyKey: "detail.order" };
  const arrived = plane.published.map(({ Detail }) => ({
    ...anEvent({ id: "of the bus" }),
    detail: JSON.parse(Detail),
  }));
  expect(arrived.map((event) => readFacts(event, source))).toEqual([
    { ok: true, value: { idempotencyKey: "7", subject: {} } },
    { ok: true, value: { idempotencyKey: "e-1", subject: { customer: "acme" } } },
  ]);
  expect(arrived.map((event) => readFacts(event, undefined))).toMatchObject([
    { value: { idempotencyKey: "e-0" } },
    { value: { idempotencyKey: "e-1" } },
  ]);
});

it("What the bus refuses is told for its event alone, and what it throttles is sent again", async () => {
  const { plane, client } = await aBus();
  const entries = [
    { EventId: "taken" },
    { ErrorCode: "ThrottlingException", ErrorMessage: "slow down" },
    { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." },
  ];
  plane.fail("PutEvents", { status: 200, body: { FailedEntryCount: 2, Entries: entries } });
  const settled = await putOnBus(client, "bus", [ready("a"), ready("b"), ready("c")], machine);
  expect(settled).toMatchObject([{ eventId: "taken" }, { eventId: "event-1" }, { code: "MalformedDetail" }]);
});
