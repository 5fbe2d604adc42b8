import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { metricLine } from "../../../shared/domain/health/metric-document.ts";

const at = new Date("2026-11-20T10:00:00Z");

describe("a line of the embedded metric format", () => {
  it("names each metric, its unit, what it is told apart by, and its values", () => {
    const line = metricLine({
      namespace: "prod-turnout",
      at,
      dimensions: { component: "mailer", component_version: "23" },
      metrics: {
        FirstAttempts: { unit: "Count", value: 2 },
        Duration: { unit: "Milliseconds", value: [4, 7] },
      },
    });
    expect(JSON.parse(line)).toEqual({
      _aws: {
        Timestamp: at.getTime(),
        CloudWatchMetrics: [
          {
            Namespace: "prod-turnout",
            Dimensions: [["component", "component_version"]],
            Metrics: [
              { Name: "FirstAttempts", Unit: "Count" },
              { Name: "Duration", Unit: "Milliseconds" },
            ],
          },
        ],
      },
      component: "mailer",
      component_version: "23",
      FirstAttempts: 2,
      Duration: [4, 7],
    });
  });

  it("tells metrics apart by what CloudWatch takes of a value: 255 printable characters, and not only spaces", () => {
    const told = (version: string) =>
      JSON.parse(metricLine({ namespace: "n", at, dimensions: { version }, metrics: {} })).version;
    expect([told("x".repeat(255)), told("x".repeat(256))]).toEqual(["x".repeat(255), "x".repeat(255)]);
    expect([told(" ~"), told("é\n\u007f"), told(""), told("  ")]).toEqual([" ~", "???", "unknown", "unknown"]);
  });

  it("is one that CloudWatch takes, whatever a version is called and however much was measured", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 300 }),
        fc.array(fc.nat(), { maxLength: 150 }),
        (text, many) => {
          const metrics = { Duration: { unit: "Milliseconds", value: many } } as const;
          const line = metricLine({ namespace: "n", at, dimensions: { component_version: text }, metrics });
          const { component_version: version, Duration: values } = JSON.parse(line);
          expect(line).not.toContain("\n");
          expect(version).toMatch(/^[\x20-\x7e]{1,255}$/);
          expect(version.trim()).not.toBe("");
          expect(values).toEqual(many.slice(0, 100));
        },
      ),
    );
  });
});
