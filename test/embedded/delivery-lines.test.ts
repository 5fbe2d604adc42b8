import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { deliveryLines } from "../../scripts/embedded/delivery-lines.ts";
import type { DeliveryReport } from "../../shared/domain/deliveries/delivery-report.ts";
import { aRecord } from "../support/builders.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const at = new Date("2026-11-20T10:13:25.000Z");
const decision: NonNullable<DeliveryReport["decision"]> = {
  alias: "beta",
  because: "customer pin",
  fallback: false,
};
const record = aRecord({ detailType: "push", subject: { project: "acme/site", customer: "acme", plan: "paid" } });

function printed(...reports: DeliveryReport[]): string[] {
  const lines: string[] = [];
  const { report, flush } = deliveryLines((line) => lines.push(stripVTControlCharacters(line)));
  for (const each of reports) report(each);
  flush();
  return lines;
}

it("a delivery's line names the event, its subject, the component, the alias, the version and why", () => {
  const done = { executedVersion: "23", durationMs: 4.2, outcome: "done" } as const;
  expect(printed({ record, at, component: "mailer", decision, ...done })).toEqual([
    "10:13:25  push  acme/site (acme, paid) → mailer beta, version 23: done in 4 ms (customer pin)",
  ]);
});

it("a failed delivery's line says what went wrong", () => {
  const error = { type: "Broken", message: "it broke" };
  const [line] = printed({ record, at, component: "mailer", decision, outcome: "failed", error });
  expect(line).toBe("10:13:25  push  acme/site (acme, paid) → mailer beta: failed (customer pin), Broken: it broke");
});

it("events that no component listens to have no line, and those of a flood are counted", () => {
  expect(printed({ record, at, outcome: "unmatched" })).toEqual([]);
  const flood = Array.from({ length: 45 }, () => ({
    record,
    at,
    component: "mailer",
    decision,
    outcome: "done" as const,
  }));
  expect(printed(...flood)).toHaveLength(41);
  expect(printed(...flood).at(-1)).toBe("          … and 5 more");
});
