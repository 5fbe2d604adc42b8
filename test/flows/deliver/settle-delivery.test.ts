import { expect, it } from "vitest";
import { redeliveryBody } from "../../../shared/domain/deliveries/redelivery.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aComponent } from "../../support/builders.ts";
import { aMessage, aRouter, done, failed } from "../../support/router.ts";

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
