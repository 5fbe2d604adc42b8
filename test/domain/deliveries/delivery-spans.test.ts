import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeliveryReport } from "../../../shared/domain/deliveries/delivery-report.ts";
import { deliverySpans, publishSpan, readTraceparent } from "../../../shared/domain/deliveries/delivery-spans.ts";

const t0 = new Date("2026-11-20T10:00:00.000Z");
const plus = (ms: number) => new Date(t0.getTime() + ms);
const [TRACE, SPAN] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
const traceparent = `00-${TRACE}-${SPAN}-01`;
const key = "f".repeat(64);
const record = { id: "order-1", source: "shop", detailType: "order placed", subject: {}, t0, messageId: "m-1" };

const done: DeliveryReport = {
  record,
  at: plus(100),
  component: "mailer",
  decision: { alias: "beta", because: "customer pin", fallback: false },
  outcome: "done",
  attempt: 1,
  executedVersion: "23",
  durationMs: 40,
  deliveryKey: `mailer#${key}#live`,
  traceparent,
};

describe("a traceparent", () => {
  it.each([
    [traceparent, { traceId: TRACE, spanId: SPAN, sampled: true }],
    [`00-${TRACE}-${SPAN}-00`, { traceId: TRACE, spanId: SPAN, sampled: false }],
    [`cc-${TRACE}-${SPAN}-03-what comes later`, { traceId: TRACE, spanId: SPAN, sampled: true }],
    [`00-${"0".repeat(32)}-${SPAN}-01`, undefined],
    [`00-${TRACE}-${"0".repeat(16)}-01`, undefined],
    [`00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
    ["", undefined],
    [undefined, undefined],
  ])("%j is read as %j", (text, read) => {
    expect(readTraceparent(text)).toEqual(read);
  });
});

describe("the spans of a delivery", () => {
  it("are its routing, from its arrival, and the version's run below that, in the publisher's trace", () => {
    const published = publishSpan({ ...record, traceparent }, t0, plus(5));
    const [route, deliver, ...more] = deliverySpans(done, true);
    expect(more).toEqual([]);
    expect(published).toMatchObject({ name: "publish", kind: "producer", parent: { spanId: SPAN } });
    expect(route).toMatchObject({ name: "route", parent: published.place, start: t0, end: plus(60) });
    expect(deliver).toMatchObject({ name: "deliver mailer", kind: "consumer", start: plus(60), end: plus(100) });
    expect(deliver?.parent).toEqual(route?.place);
    expect(deliver?.attributes).toMatchObject({ component_version: "23", "feature_flag.result.variant": "beta" });
    for (const span of [published, route, deliver]) {
      expect(span?.place).toMatchObject({ traceId: TRACE, spanId: expect.stringMatching(/^[0-9a-f]{16}$/) });
    }
    expect(
      new Set([SPAN, published, route, deliver].map((one) => (typeof one === "object" ? one.place.spanId : one))).size,
    ).toBe(4);
  });

  it("are below the publisher's own span where Turnout hasn't seen it published, and a trace of their own without one", () => {
    expect(deliverySpans(done, false)[0]?.parent?.spanId).toBe(SPAN);
    const { traceparent: _, ...untraced } = done;
    const [route, deliver] = deliverySpans(untraced, false);
    expect(route?.parent).toBeUndefined();
    expect(route?.place.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(deliver?.place.traceId).toBe(route?.place.traceId);
    expect(publishSpan(record, t0, t0).place.traceId).toBe(route?.place.traceId);
  });

  it("are one more for each attempt, below the same routing", () => {
    const [route, first] = deliverySpans({ ...done, outcome: "failed" }, true);
    const [second, ...more] = deliverySpans({ ...done, attempt: 2, at: plus(500) }, true);
    expect(more).toEqual([]);
    expect(second?.parent).toEqual(route?.place);
    expect(second?.place.spanId).not.toBe(first?.place.spanId);
  });

  it("of a replay are in a trace of their own, which links to the first delivery", () => {
    const [, first] = deliverySpans(done, true);
    const again = { ...done, deliveryKey: `mailer#${key}#replay-7`, replay: "replay-7" };
    const [replayed, ...more] = deliverySpans(again, true);
    expect(more).toEqual([]);
    expect(replayed?.links).toEqual([first?.place]);
    expect(replayed?.place.traceId).not.toBe(TRACE);
    // One that finishes what was begun goes on under its key, and is the replay's all the same.
    const [finished] = deliverySpans({ ...done, attempt: 4, replay: "replay-8" }, true);
    expect(finished?.links).toEqual([first?.place]);
  });

  it("of what was handed over are its routing at first, and the run once its outcome is told", () => {
    expect(deliverySpans({ ...done, outcome: "accepted" }, true).map(({ name }) => name)).toEqual(["route"]);
    const { messageId: _, ...told } = record;
    expect(deliverySpans({ ...done, record: told }, true).map(({ name }) => name)).toEqual(["deliver mailer"]);
  });

  it("of what nothing was run for are its routing alone", () => {
    const postponed = deliverySpans({ ...done, outcome: "postponed" }, true);
    const unmatched = deliverySpans({ record, at: plus(9), outcome: "unmatched", traceparent }, true);
    expect([...postponed, ...unmatched].map(({ name }) => name)).toEqual(["route", "route"]);
    expect(deliverySpans({ record, at: plus(9), component: "mailer", outcome: "redelivered" }, true)).toEqual([]);
  });

  it("never end before they begin, whatever clocks say", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000, max: 1_000 }), fc.nat(5_000), (atMs, durationMs) =>
        deliverySpans({ ...done, at: plus(atMs), durationMs }, true).every(({ start, end }) => start <= end),
      ),
    );
  });
});

describe("a span", () => {
  const { traceparent: _, ...untraced } = done;

  it("of publishing says which event it is of, and is the first of its trace where its publisher names none", () => {
    const span = publishSpan(record, t0, plus(5));
    expect(span).toEqual({
      ...{ name: "publish", kind: "producer", links: [], start: t0, end: plus(5) },
      place: { traceId: expect.any(String), spanId: expect.any(String), sampled: true },
      attributes: {
        "cloudevents.event_id": "order-1",
        "cloudevents.event_source": "shop",
        "cloudevents.event_type": "order placed",
      },
    });
  });

  it("has the publisher's word on whether it is recorded, and a replay's is always", () => {
    const unsampled = { ...done, traceparent: `00-${TRACE}-${SPAN}-00` };
    expect(deliverySpans(unsampled, true).map(({ place }) => place.sampled)).toEqual([false, false]);
    expect(deliverySpans(untraced, true).map(({ place }) => place.sampled)).toEqual([true, true]);
    const replayed = { ...unsampled, deliveryKey: `mailer#${key}#replay-7`, replay: "replay-7" };
    const [span] = deliverySpans(replayed, true);
    expect(span?.place).toEqual({
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      sampled: true,
    });
    expect(span).not.toHaveProperty("parent");
  });

  it("has the error of its attempt, and no time where none is known", () => {
    const error = { type: "Broken", message: "it broke" };
    const { durationMs: __, ...untimed } = done;
    const [route, deliver] = deliverySpans({ ...untimed, outcome: "failed", error }, true);
    expect([route?.error, deliver?.error]).toEqual([error, error]);
    expect([deliver?.start, deliver?.end]).toEqual([done.at, done.at]);
    expect(deliver?.attributes).not.toHaveProperty("time");
    expect(deliverySpans(done, true)[1]).not.toHaveProperty("error");
  });

  it("of routing is another one for each component, and for each thing that became of an event without one", () => {
    const { component: __, deliveryKey: ___, attempt: ____, ...bare } = done;
    const reports: DeliveryReport[] = [
      { ...bare, outcome: "unmatched" },
      { ...bare, outcome: "rejected" },
      { ...bare, outcome: "rejected", component: "mailer" },
      { ...bare, outcome: "rejected", component: "biller" },
    ];
    const spans = reports.flatMap((report) => deliverySpans(report, true));
    expect(new Set(spans.map(({ place }) => place.spanId)).size).toBe(4);
    expect(spans[0]).toMatchObject({ kind: "internal", attributes: { outcome: "unmatched" }, end: done.at });
  });
});

describe("a report without an attempt", () => {
  it("has a span of its routing alone, and none where its message had only come again", () => {
    const { attempt: _, ...duplicate } = done;
    expect(deliverySpans({ ...duplicate, outcome: "duplicate" }, false).map(({ name }) => name)).toEqual(["route"]);
    expect(deliverySpans({ ...duplicate, outcome: "redelivered" }, false)).toEqual([]);
    const { component: __, ...unmatched } = duplicate;
    expect(deliverySpans({ ...unmatched, outcome: "unmatched" }, false).map(({ name }) => name)).toEqual(["route"]);
  });
});
