import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { expect, it } from "vitest";
import { deadNotices } from "../../functions/dead-notices.ts";
import type { DeliveryReport } from "../../shared/domain/deliveries/delivery-report.ts";

function aReport(n: number, about: Partial<DeliveryReport> = {}, source = "shop"): DeliveryReport {
  const at = new Date("2026-11-20T10:00:00.000Z");
  const record = { id: `e-${n}`, source, detailType: "order placed", subject: {}, t0: at };
  return {
    record,
    at,
    component: "mailer",
    outcome: "dead",
    attempt: 3,
    error: { type: "Broken", message: "no" },
    ...about,
  };
}

/** A function that reports these, and what the bus was told in how many requests. */
async function invoked(work: (report: (delivery: DeliveryReport) => void) => void, notify?: () => Promise<void>) {
  const requests: string[][] = [];
  const errors: unknown[] = [];
  const notices = deadNotices({
    notify:
      notify ?? (async (...events) => void requests.push(events.map((event) => JSON.parse(event).detail.event.id))),
    onError: (error) => void errors.push(error),
  });
  const handler = middy(async () => {
    work(notices.reported);
    return "done";
  }).use(notices.told());
  const call = () => handler({}, {} as Context).catch((error: Error) => error.message);
  return { answer: await call(), call, requests, errors };
}

it("deadNotices tells of what was dead once the function has done its work, and of nothing else", async () => {
  const { answer, requests } = await invoked((report) => {
    for (const outcome of ["done", "failed", "dead"] as const) report(aReport(1, { outcome }));
  });
  expect([answer, requests]).toEqual(["done", [["e-1"]]]);
});

it("deadNotices tells of ten of an invocation at most, in one request, and begins anew with the next", async () => {
  let next = 0;
  const { call, requests } = await invoked((report) => {
    for (let n = 0; n < 500; n++) report(aReport(++next));
  });
  await call();
  expect(requests.map((ids) => ids.length)).toEqual([10, 10]);
  expect(requests[1]?.[0]).toBe("e-501");
});

it("deadNotices can't go round: what becomes of Turnout's own events is told to nobody, however often it is dead", async () => {
  const { requests } = await invoked((report) => {
    for (let n = 0; n < 50; n++) report(aReport(n, {}, "turnout"));
  });
  expect(requests).toEqual([]);
});

it("deadNotices fails nobody's work: a bus that takes nothing is told as an error", async () => {
  const { answer, errors } = await invoked(
    (report) => report(aReport(1)),
    () => Promise.reject(new Error("throttled")),
  );
  expect([answer, errors]).toEqual(["done", [new Error("throttled")]]);
});

it("deadNotices tells of what was dead also where the function fails after", async () => {
  const { answer, requests } = await invoked((report) => {
    report(aReport(1));
    throw new Error("the store");
  });
  expect([answer, requests]).toEqual(["the store", [["e-1"]]]);
});
