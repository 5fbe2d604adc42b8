import { expect, it } from "vitest";
import { netBelow } from "../../../shared/domain/deliveries/ledger-rules.ts";
import { redeliveryBody } from "../../../shared/domain/deliveries/redelivery.ts";
import { requestIdOf } from "../../../shared/domain/deliveries/request-id.ts";
import type { CountedDelivery } from "../../../shared/domain/health/delivery-tally.ts";
import { claim, deliveriesOf } from "../../../shared/flows/deliver/claim-deliveries.ts";
import { decideBatch } from "../../../shared/flows/deliver/decide-batch.ts";
import { deliverClaimed } from "../../../shared/flows/deliver/deliver-claimed.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { parseMessage } from "../../../shared/flows/deliver/route-message.ts";
import type { Settled } from "../../../shared/flows/deliver/settle-delivery.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aMessage, aRouter, done, failed, T0 } from "../../support/router.ts";

/** The report of a delivery that ended so. */
async function reported(result: SendResult, metadata: Record<string, string> = {}) {
  const { ports, reports } = await aRouter({
    components: [aComponent({ name: "mailer" })],
    target: async () => result,
  });
  await routeBatch(ports, [aMessage({ metadata })]);
  expect(reports).toHaveLength(1);
  return reports[0];
}

it("a delivery is reported with what has run and how long, and with an error only where there was one", async () => {
  const report = await reported(done, { flow: "f", traceparent: "t" });
  expect(report).toMatchObject({ outcome: "done", attempt: 1, executedVersion: "7", durationMs: 5 });
  expect(report).toMatchObject({ component: "mailer", routingRevision: 1, flow: "f", traceparent: "t" });
  for (const name of ["error", "replay"]) expect(report).not.toHaveProperty(name);
  const failure = await reported(failed);
  expect(failure).toMatchObject({ outcome: "failed", error: { type: "Broken", message: "it broke" } });
  for (const name of ["executedVersion", "flow", "traceparent"]) expect(failure).not.toHaveProperty(name);
});

it("what a settled delivery has run is answered, where it has", async () => {
  const { ports } = await aRouter({ components: [aComponent({ name: "mailer" })] });
  const settled: Settled[] = [];
  const decided = await decideBatch(ports, [parseMessage(aMessage())], false);
  const deliveries = decided.flatMap(deliveriesOf);
  const claims = await claim(ports, deliveries, "owner");
  for (const result of [{ outcome: "throttled", error: { type: "Busy", message: "no room" } }, done] as const) {
    const [one] = await deliverClaimed(
      { ...ports, events: { ...ports.events, close: async (closes) => closes.map(() => true) } },
      deliveries,
      claims,
      { attempt: async () => result, owner: "owner" },
    );
    if (one !== undefined) settled.push(one);
  }
  expect(settled).toStrictEqual([
    { outcome: "postponed", comesBackAt: expect.any(Date) },
    { outcome: "done", executedVersion: "7" },
  ]);
});

it("a delivery that went to the fallback is counted as that, but not where nothing was decided of it", async () => {
  const fallback = { aliases: ["stable"], defaultAlias: "stable", fallbackAlias: "stable" };
  const pinned = aSubjectRow({ pins: { mailer: aPin({ alias: "gone" }) } });
  const { ports } = await aRouter({
    components: [aComponent({ name: "mailer", ...fallback })],
    rows: { "customer#acme": pinned },
  });
  const counted: CountedDelivery[] = [];
  ports.counter = { ...ports.counter, add: (one) => void counted.push(one) };
  await routeBatch(ports, [aMessage({ customer: "acme" })]);
  await routeBatch(ports, [aMessage({ id: "2", messageId: "2" })]);
  const body = redeliveryBody({ component: "gone", generation: "live", eventKey: "k", payloadHash: "p", t0: T0 });
  await routeBatch(ports, [aMessage({ messageId: "3", body })]);
  expect(counted.map(({ component, fallback }) => [component, fallback])).toEqual([
    ["mailer", true],
    ["mailer", undefined],
    ["gone", undefined],
  ]);
});

it("a delivery is sent and reported under one name, which whoever knows delivery and attempt can tell", async () => {
  const { ports, reports, sends } = await aRouter({ components: [aComponent({ name: "mailer" })] });
  await routeBatch(ports, [aMessage()]);
  const [{ deliveryKey = "", attempt = 0, requestId } = {}] = reports;
  expect(requestId).toBe(requestIdOf(deliveryKey, attempt));
  expect(sends).toMatchObject([{ requestId }]);
});

it("a delivery is reported with what was called for it", async () => {
  const report = await reported(done);
  expect(report?.functionArn).toBe("arn:aws:lambda:local:000000000000:function:mailer");
});

it("what a delivery was put off for is reported, and nothing that has run", async () => {
  const report = await reported({ outcome: "throttled", error: { type: "Busy", message: "no room" } });
  expect(report).toMatchObject({ outcome: "postponed", error: { type: "Busy", message: "no room" } });
  for (const name of ["executedVersion", "durationMs"]) expect(report).not.toHaveProperty(name);
});

it("a delivery is reported with the replay that has made it", async () => {
  const { ports, reports, records } = await aRouter({ components: [aComponent({ name: "mailer" })] });
  await routeBatch(ports, [aMessage()]);
  const [record] = await records();
  if (record === undefined) throw new Error("nothing is stored");
  await routeBatch(ports, [aMessage({ body: redeliveryBody({ ...record, component: "mailer", generation: "r-7" }) })]);
  expect(reports.map(({ outcome, replay }) => [outcome, replay])).toEqual([
    ["done", undefined],
    ["done", "r-7"],
  ]);
});

it.each([
  ["has a net below its message where that was received before, and may be gone", 2, true],
  ["has its message alone where nobody else had that", 1, false],
])("a delivery that is tried again %s", async (_, receiveCount, hasNet) => {
  const { ports, ledger } = await aRouter({
    components: [aComponent({ name: "mailer" })],
    target: async () => failed,
  });
  const comesBack = await routeBatch(ports, [{ ...aMessage(), receiveCount }]);
  expect(comesBack).toHaveLength(1);
  const [entry] = await ledger();
  expect(entry).toMatchObject({ status: "failed", nextAttemptAt: expect.any(Date) });
  expect(entry?.dueAt).toEqual(hasNet ? netBelow(entry?.nextAttemptAt ?? T0) : undefined);
});
