import { expect, it } from "vitest";
import { deliveryMetrics } from "../../../shared/domain/health/delivery-metrics.ts";
import type { CountedDelivery } from "../../../shared/domain/health/delivery-tally.ts";
import { MAX_METRIC_VALUES } from "../../../shared/domain/health/metric-document.ts";

const aDelivery = (about: Partial<CountedDelivery>): CountedDelivery => {
  return { component: "mailer", version: "7", alias: "stable", type: "sent", outcome: "done", ...about };
};
const error = { type: "Broken", message: "it broke" };
const counted = (value: number) => ({ unit: "Count", value });

it("what an invocation measures is told by component and version, and in all, without what is nothing", () => {
  const metrics = deliveryMetrics();
  metrics.add(aDelivery({ attempt: { kind: "first", durationMs: 5 } }));
  metrics.add(aDelivery({ attempt: { kind: "first", durationMs: 9, error }, outcome: "dead", fallback: true }));
  metrics.add(aDelivery({ attempt: { kind: "retry", durationMs: 7, error }, outcome: "failed" }));
  metrics.add(aDelivery({ version: "8", attempt: { kind: "first" } }));
  metrics.add(aDelivery({ version: "", outcome: "duplicate" }));
  metrics.add(aDelivery({ version: "", outcome: "rejected" }));
  metrics.add(aDelivery({ version: "9", attempt: { kind: "replayed", durationMs: 3 } }));
  const { byVersion, inAll } = metrics.take();
  expect(byVersion).toEqual([
    {
      dimensions: { component: "mailer", component_version: "7" },
      metrics: {
        FirstAttempts: counted(2),
        FailedFirstAttempts: counted(1),
        Retries: counted(1),
        Dead: counted(1),
        Fallbacks: counted(1),
        Duration: { unit: "Milliseconds", value: [5, 9] },
      },
    },
    { dimensions: { component: "mailer", component_version: "8" }, metrics: { FirstAttempts: counted(1) } },
    {
      dimensions: { component: "mailer", component_version: "" },
      metrics: { Rejected: counted(1), Duplicates: counted(1) },
    },
  ]);
  expect(inAll).toEqual({
    FirstAttempts: counted(3),
    FailedFirstAttempts: counted(1),
    Retries: counted(1),
    Dead: counted(1),
    Rejected: counted(1),
    Duplicates: counted(1),
    Fallbacks: counted(1),
  });
  expect(metrics.take()).toEqual({ byVersion: [], inAll: {} });
});

it("an invocation tells as many durations as fit into a line, and counts the others", () => {
  const metrics = deliveryMetrics();
  for (let n = 0; n <= MAX_METRIC_VALUES; n++) metrics.add(aDelivery({ attempt: { kind: "first", durationMs: n } }));
  const told = metrics.take().byVersion[0]?.metrics;
  expect(told?.FirstAttempts).toEqual(counted(MAX_METRIC_VALUES + 1));
  expect(told?.Duration?.value).toHaveLength(MAX_METRIC_VALUES);
});
