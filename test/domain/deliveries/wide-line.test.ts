import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeliveryReport } from "../../../shared/domain/deliveries/delivery-report.ts";
import { wideLine } from "../../../shared/domain/deliveries/wide-line.ts";

const t0 = new Date("2026-11-20T10:13:24.000Z");
const record = { id: "event-1", source: "github.com", detailType: "push", subject: { customer: "acme" }, t0 };

const failed: DeliveryReport = {
  record,
  at: new Date("2026-11-20T10:13:25.250Z"),
  component: "mailer",
  decision: { alias: "branch-new-cool-page", because: "customer pin", fallback: false },
  outcome: "failed",
  attempt: 2,
  executedVersion: "23",
  durationMs: 12.3456,
  error: { type: "TypeError", message: "x".repeat(300) },
  subject: { project: "acme/site", customer: "acme", plan: "paid", user: "ada" },
  routingRevision: 42,
  functionArn: "arn:aws:lambda:eu-west-1:111122223333:function:acme-mailer",
  requestId: "5d0e1f6a-0000-4000-8000-000000000000",
  flow: "order-7",
};

describe("a wide line", () => {
  it("has all that is known of an attempt, under OpenTelemetry's names where there are any", () => {
    expect(wideLine(failed)).toEqual({
      time: "2026-11-20T10:13:25.250Z",
      "cloudevents.event_id": "event-1",
      "cloudevents.event_source": "github.com",
      "cloudevents.event_type": "push",
      component: "mailer",
      component_version: "23",
      outcome: "failed",
      attempt: 2,
      duration_ms: 12.3,
      e2e_ms: 1_250,
      customer_id: "acme",
      customer_plan: "paid",
      project_id: "acme/site",
      user_id: "ada",
      request_id: "5d0e1f6a-0000-4000-8000-000000000000",
      routing_revision: 42,
      flow: "order-7",
      branch: "new-cool-page",
      fallback: false,
      "faas.invoked_name": "acme-mailer",
      "faas.version": "23",
      "feature_flag.key": "mailer",
      "feature_flag.result.variant": "branch-new-cool-page",
      "feature_flag.result.reason": "customer pin",
      "feature_flag.context.id": "acme",
      "error.type": "TypeError",
      "error.message": "x".repeat(200),
    });
  });

  it("names the replay that a delivery is made for, and no time since the event came in", () => {
    expect(wideLine({ ...failed, replay: "replay-7" })).toMatchObject({ replay_id: "replay-7" });
    expect(wideLine({ ...failed, replay: "replay-7" })).not.toHaveProperty("e2e_ms");
  });

  it("leaves out what isn't known of an event that couldn't be read", () => {
    const error = { type: "Unreadable", message: "not JSON" };
    expect(wideLine({ record: { ...record, source: "", subject: {} }, at: t0, outcome: "rejected", error })).toEqual({
      time: t0.toISOString(),
      "cloudevents.event_id": "event-1",
      "cloudevents.event_source": "",
      "cloudevents.event_type": "push",
      outcome: "rejected",
      e2e_ms: 0,
      "error.type": "Unreadable",
      "error.message": "not JSON",
    });
  });

  it("is not written of an event that no component listens to", () => {
    expect(wideLine({ record, at: t0, outcome: "unmatched" })).toBeUndefined();
  });

  it("is one line of flat JSON, whatever events and versions are called", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (text, message) => {
        const error = { type: text, message };
        const line = wideLine({ ...failed, record: { ...record, id: text }, subject: { customer: text }, error });
        const json = JSON.stringify(line);
        return !json.includes("\n") && Object.values(JSON.parse(json)).every((value) => typeof value !== "object");
      }),
    );
  });
});
