import { expect, it } from "vitest";
import type { DeliveryReport } from "../../../shared/domain/deliveries/delivery-report.ts";
import { readEvent } from "../../../shared/domain/events/event.ts";
import { deadDeliveryNotice } from "../../../shared/domain/notices/dead-delivery-notice.ts";
import { worseForOneNotice } from "../../../shared/domain/notices/guard-verdict-notice.ts";
import { NOTICE_SOURCE, type NoticeType, noticeDetails } from "../../../shared/domain/notices/notice.ts";
import { releaseStepNotice } from "../../../shared/domain/notices/release-step-notice.ts";
import { replayEndedNotice } from "../../../shared/domain/notices/replay-ended-notice.ts";
import type { SubjectKey } from "../../../shared/domain/subject.ts";
import { read } from "../../../shared/domain/text/schema.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { aReplay } from "../../support/any-replay.ts";
import { aGuardedVersion } from "../../support/guarded-version.ts";
import { aRelease } from "../../support/releases.ts";
import { aMessage } from "../../support/router.ts";

const at = new Date("2026-11-20T10:00:00.000Z");

function dead(source: string, about: Partial<DeliveryReport> = {}): DeliveryReport {
  const record = { id: "e-1", source, detailType: "order placed", subject: {}, t0: at };
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

/** The event, checked against the schema of its type. */
function told(text: string | undefined) {
  const event = readEvent(text ?? "");
  if (!event.ok) throw new Error(event.problem);
  const schema = noticeDetails[event.value["detail-type"] as NoticeType];
  const detail = read<unknown>(schema, event.value.detail);
  if (!detail.ok) throw new Error(detail.problem);
  expect(event.value.source).toBe(NOTICE_SOURCE);
  return { type: event.value["detail-type"], detail: detail.value };
}

it("a dead delivery is told with what to look at", () => {
  expect(told(deadDeliveryNotice(dead("shop")))).toMatchObject({
    type: "Delivery Dead",
    detail: { component: "mailer", event: { id: "e-1", source: "shop" }, command: ["turnout", "event", "show", "e-1"] },
  });
});

it("a dead delivery told twice is one event, and another is another", () => {
  const key = (report: DeliveryReport) => JSON.parse(deadDeliveryNotice(report) ?? "{}").detail.metadata.idempotencyKey;
  expect(key(dead("shop"))).toBe(key(dead("shop")));
  expect(key(dead("shop"))).not.toBe(key(dead("shop", { component: "invoice" })));
});

it("no loop comes about: what becomes of deliveries of Turnout's own events is told to nobody", () => {
  const first = deadDeliveryNotice(dead("shop"));
  const { source } = JSON.parse(first ?? "{}");
  expect(deadDeliveryNotice(dead(source))).toBeUndefined();
  for (const outcome of ["done", "failed", "postponed", "rejected"] as const) {
    expect(deadDeliveryNotice(dead("shop", { outcome }))).toBeUndefined();
  }
});

it("a replay that has ended is told, and one that hasn't isn't", () => {
  expect(replayEndedNotice(aReplay(), at)).toBeUndefined();
  const ended = aReplay({ progress: { endedAt: at } });
  expect(told(replayEndedNotice(ended, at))).toMatchObject({ type: "Replay Ended", detail: { replay: ended.name } });
});

it("a guard's verdict is told once, with its evidence and what was done", async () => {
  const world = await aGuardedVersion();
  await world.traffic(20);
  await world.move("beta", "24");
  await world.traffic(18);
  for (let look = 0; look < 3; look++) await world.look();
  expect(world.notices).toHaveLength(1);
  expect(told(JSON.stringify(world.notices[0]))).toMatchObject({
    type: "Guard Verdict",
    detail: { version: "24", verdict: "worse", done: expect.stringContaining("went back to version 23") },
  });
});

it("what a release does is told with what to look at, and its waiting isn't", () => {
  const now = new Date("2026-11-20T10:10:00.000Z");
  expect(told(releaseStepNotice("mailer", aRelease({ made: 2 }), { do: "step" }, now))).toMatchObject({
    type: "Release Step",
    detail: { release: "4-faster", component: "mailer", did: "step", step: "5%", why: null },
  });
  const pause = releaseStepNotice("mailer", aRelease(), { do: "pause", why: "it is slow" }, now);
  expect(told(pause).detail).toMatchObject({
    did: "pause",
    step: null,
    why: "it is slow",
    command: ["turnout", "release", "show", "4-faster"],
  });
  expect(releaseStepNotice("mailer", aRelease(), { do: "wait", because: "too early" }, now)).toBeUndefined();
});

it("notices are called by words without blanks, each by its own, and told twice by the same", () => {
  const steps = ["step", "promote", "finish", "pause", "take back", "end"] as const;
  const step = (does: string) => JSON.parse(releaseStepNotice("mailer", aRelease(), { do: does } as never, at) ?? "{}");
  const watch = { component: "mailer", alias: "beta", version: "4", since: at.toISOString() };
  const forOne = (who: SubjectKey) => {
    const taken = { who, why: "x", mode: "undo", at: at.toISOString(), stage: "ended", revision: 1 } as const;
    return JSON.parse(worseForOneNotice({ fallbackAlias: "stable" }, watch, taken));
  };
  const whom: SubjectKey[] = ["customer#ac me", "customer#ac-me", "customer#ac%20me", "customer#ac\u00a0me"];
  const told = [...steps.map(step), ...whom.map(forOne)];
  const [ids, keys] = [told.map(({ id }) => id), told.map(({ detail }) => detail.metadata.idempotencyKey)];
  for (const name of [...ids, ...keys]) expect(name).toMatch(/^\S+$/);
  expect([new Set(ids).size, new Set(keys).size]).toEqual([told.length, told.length]);
  expect(step("take back").id).toBe("release-step-mailer-4-faster-2026-11-20T10:00:00.000Z-0-take-back");
  expect([...steps.map(step), ...whom.map(forOne)]).toEqual(told);
});

it("no loop comes about where a component fails at all that Turnout tells of itself", async () => {
  const world = await aGuardedVersion();
  await world.traffic(20);
  await world.move("beta", "24");
  await world.traffic(18);
  let told = 0;
  let reported = 0;
  const publish = async () => {
    const dead = world.reports.slice(reported).flatMap((report) => deadDeliveryNotice(report) ?? []);
    reported = world.reports.length;
    const notices = [...dead, ...world.notices.splice(0).map((notice) => JSON.stringify(notice))];
    // Whoever is pinned to version 24 fails at these as well.
    const bodies = notices.map((text) => {
      const event = JSON.parse(text);
      return JSON.stringify({
        ...event,
        detail: { ...event.detail, metadata: { ...event.detail.metadata, customer: "acme" } },
      });
    });
    for (const body of bodies) await routeBatch(world.ports, [aMessage({ messageId: `n-${++told}`, body })]);
    return notices.length;
  };
  // Of what failed, nobody has looked yet: version 24 is still there.
  const first = await publish();
  expect(first).toBe(18 * 4);
  const failed = world.reports
    .slice(-first)
    .filter(({ outcome, record }) => outcome === "dead" && record.source === NOTICE_SOURCE);
  expect(failed).toHaveLength(first);
  expect(await publish(), "of notices that are dead nobody is told").toBe(0);
  for (let look = 0; look < 3; look++) {
    await world.look();
    expect(await publish()).toBe(look === 0 ? 1 : 0);
  }
});
