import { describe, expect, it } from "vitest";
import { INDEXED_FIELDS } from "../../infra/constructs/saved-queries.ts";
import { type WideLine, wideLine } from "../../shared/domain/deliveries/wide-line.ts";
import { aRecord } from "../support/builders.ts";
import { synthesized } from "./synthesized.ts";

const { resources } = synthesized("prod");
const queries = new Map(
  resources
    .filter(({ type }) => type === "AWS::Logs::QueryDefinition")
    .map(({ properties: { Name, QueryString } }) => [String(Name).replace(/^.*\//, ""), String(QueryString)]),
);

const at = new Date("2026-11-20T10:00:00Z");

/** A line with every field that it may have. */
function aLine(): WideLine {
  const report: Parameters<typeof wideLine>[0] = {
    record: aRecord(),
    at,
    component: "mailer",
    decision: { alias: "branch-new", because: "default alias", fallback: false },
    outcome: "failed",
    replay: "again",
    attempt: 1,
    executedVersion: "23",
    durationMs: 5,
    // As Lambda says it of a version that took too long.
    error: { type: "Sandbox.Timedout", message: "RequestId: 1 Error: Task timed out after 3.00 seconds" },
    subject: { customer: "acme", project: "site", plan: "paid", user: "ada" },
    requestId: "1#1",
    routingRevision: 1,
    flow: "f",
  };
  return wideLine(report) ?? {};
}

/** Whether the query's filter lets a line through, by the two forms that its filter has. */
function finds(query: string, line: string): boolean {
  const [, crashed = ""] = /@message like \/(.*)\/\) and not ispresent\(outcome\)/.exec(query) ?? [];
  expect(crashed).not.toBe("");
  expect(query).toContain('(level = "ERROR" or @message like');
  const start = line.indexOf("{");
  let json: Record<string, unknown> = {};
  try {
    // The first JSON in a line is what CloudWatch finds fields in.
    if (start >= 0) json = JSON.parse(line.slice(start));
  } catch {}
  return (json.level === "ERROR" || new RegExp(crashed).test(line)) && json.outcome === undefined;
}

describe("The saved query of errors", () => {
  const id = "5a1e9a4c-8f4e-5e0e-9c0f-000000000000";
  it.each([
    ["ours", `2026-11-20T10:00:00.000Z\t${id}\tERROR\t{"level":"ERROR","error":{"type":"Error","message":"lost"}}`],
    ["ours without Lambda's words", '{"level":"ERROR","error":{"type":"Error","message":"lost"}}'],
    ["a timeout", `2026-11-20T10:00:00.000Z ${id} Task timed out after 900.00 seconds`],
    ["a throw", `2026-11-20T10:00:00.000Z\t${id}\tERROR\tInvoke Error \t{"errorType":"Error","errorMessage":"no"}`],
    [
      "a crash",
      `2026-11-20T10:00:00.000Z\t${id}\tERROR\tUncaught Exception \t{"errorType":"TypeError","errorMessage":"no"}`,
    ],
    ["a kill", `RequestId: ${id} Error: Runtime exited with error: signal: killed`],
    ["its type", "Runtime.ExitError"],
    ["a missing module", `${id} ERROR Uncaught Exception {"errorType":"Runtime.ImportModuleError"}`],
    ["no memory", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"],
    ["a start that took too long", "INIT_REPORT Init Duration: 10003.05 ms\tPhase: init\tStatus: timeout"],
    [
      "a report of one",
      `REPORT RequestId: ${id}\tDuration: 1.00 ms\tBilled Duration: 2 ms\tMemory Size: 1024 MB\tStatus: error\tError Type: Runtime.ExitError`,
    ],
  ])("finds %s", (_, line) => {
    expect(finds(queries.get("errors") ?? "", line)).toBe(true);
    expect(finds(queries.get("errors-by-type") ?? "", line)).toBe(true);
  });

  it.each([
    ["a version's error", JSON.stringify(aLine())],
    ["what is measured", '{"_aws":{"Timestamp":1,"CloudWatchMetrics":[]},"part":"router","Received":3}'],
    ["a start", `START RequestId: ${id} Version: $LATEST`],
    ["an end", `END RequestId: ${id}`],
    ["a report", `REPORT RequestId: ${id}\tDuration: 12.00 ms\tBilled Duration: 12 ms\tMax Memory Used: 90 MB`],
  ])("leaves out %s", (_, line) => {
    expect(finds(queries.get("errors") ?? "", line)).toBe(false);
  });
});

describe("The saved queries of deliveries, and the index of their fields", () => {
  const fields = new Set(Object.keys(aLine()));

  it.each(["failed-deliveries", "failures-by-version", "slow-deliveries"])(
    "ask for fields that there are: %s",
    (name) => {
      const text = (queries.get(name) ?? "").replaceAll(/"[^"]*"/g, "");
      const named = text.match(/(?<![@\w.])[a-z]+(?:[._][a-z]+)+\b/g) ?? [];
      expect(named.length).toBeGreaterThan(1);
      expect(named.filter((field) => !fields.has(field))).toEqual([]);
    },
  );

  it("are of fields that a line has, 20 at most, in the logs of those who write such lines", () => {
    expect(INDEXED_FIELDS.filter((field) => !fields.has(field))).toEqual([]);
    expect(INDEXED_FIELDS.length).toBeLessThanOrEqual(20);
    const indexed = resources.filter(({ properties }) => "FieldIndexPolicies" in properties);
    expect(indexed.map(({ properties: { LogGroupName } }) => LogGroupName).sort()).toEqual(
      ["dead-letters", "outcomes", "replayer", "router", "rule-dead-letters"].map(
        (part) => `/aws/lambda/prod-turnout-${part}`,
      ),
    );
    for (const { properties } of indexed) expect(properties.FieldIndexPolicies).toEqual([{ Fields: INDEXED_FIELDS }]);
  });
});
