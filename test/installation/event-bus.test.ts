import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { expect, it, onTestFinished } from "vitest";
import { putOnBus } from "../../shared/installation/event-bus.ts";
import { anEvent, bodyOf } from "../support/builders.ts";
import { controlPlaneStub } from "../support/control-plane-stub.ts";

const machine = { random: () => 0, delay: async () => {} };

/** An event that is ready for the bus, with this detail. */
function ready(id: string, detail: Record<string, unknown> = {}, idempotencyKey = id) {
  const event = { ...anEvent({ id }), detail };
  return { event, body: bodyOf(event), idempotencyKey };
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
  expect(JSON.parse(first?.Detail ?? "")).toEqual({ index: 7, metadata: { idempotencyKey: "e7" } });
});

it("An event that has a key, or another use for metadata, goes out as it is", async () => {
  const { plane, client } = await aBus();
  const details = [
    { metadata: { idempotencyKey: "mine", customer: "acme" } },
    { metadata: "none" },
    { key: "at a path" },
  ];
  const keys = ["mine", "e", "at a path"];
  await putOnBus(
    client,
    "bus",
    details.map((detail, index) => ready("e", detail, keys[index])),
    machine,
  );
  expect(plane.published.map(({ Detail }) => JSON.parse(Detail))).toEqual(details);
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
