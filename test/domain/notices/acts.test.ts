import { describe, expect, it } from "vitest";
import type { DeliveryReport } from "../../../shared/domain/deliveries/delivery-report.ts";
import type { TakenOff, Trip } from "../../../shared/domain/health/watch.ts";
import { deadDeliveryNotice } from "../../../shared/domain/notices/dead-delivery-notice.ts";
import { worseForOneNotice, worseNotice } from "../../../shared/domain/notices/guard-verdict-notice.ts";
import { releaseStepNotice } from "../../../shared/domain/notices/release-step-notice.ts";
import { replayEndedNotice } from "../../../shared/domain/notices/replay-ended-notice.ts";
import type { NextOfRelease } from "../../../shared/domain/releases/next-step.ts";
import { noCounts } from "../../../shared/domain/replays/replay.ts";
import type { Release } from "../../../shared/domain/routing/release.ts";
import { aReplay } from "../../support/any-replay.ts";
import { aComponent } from "../../support/builders.ts";
import { aRelease } from "../../support/releases.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const at = now.toISOString();
const read = (text: string | undefined) => JSON.parse(text ?? "null");
const actsOf = (text: string | undefined): string | null => read(text).detail.acts?.join(" ") ?? null;

describe("what a notice leaves to a person", () => {
  const mailer = aComponent({ name: "mailer" });
  const watch = { component: "mailer", alias: "beta", version: "4", since: at };
  const trip = (mode: Trip["mode"]) => ({ why: "it fails", mode, at }) as Trip;

  it("is, of a version that is worse, what its guard hasn't done", () => {
    const acts = (mode: Trip["mode"]) => actsOf(worseNotice(mailer, watch, trip(mode)));
    expect(acts("undo")).toBeNull();
    expect(acts("rollback")).toMatch(
      /^turnout replay start --unresolved --mode finish .*--executed-version 4 --reason/,
    );
    expect([acts("watch"), acts("hold")]).toEqual([acts("watch"), acts("watch")]);
    expect(acts("watch")).toMatch(/^turnout undo mailer beta --reason/);
  });

  it("is to abort a release that has set the guard and doesn't take itself back", () => {
    const guard = { mode: "hold" as const, who: "release/4-faster", why: "x", at };
    const acts = (about: object) => actsOf(worseNotice({ ...mailer, ...about }, watch, trip("undo")));
    const guards = { beta: guard };
    const release = aRelease({ guard: "hold" });
    expect(acts({ release, guards })).toMatch(/^turnout release abort 4-faster/);
    const paused = { who: "ada", why: "lunch", at };
    expect(acts({ release: aRelease({ guard: "undo", paused }), guards })).toMatch(/^turnout release abort 4-faster/);
    expect(acts({ release, guards: { beta: { ...guard, who: "ada" } } })).toBeNull();
    expect(acts({ guards })).toBeNull();
    expect(acts({ release })).toBeNull();
  });

  it("is nothing where a release takes the version back by itself, or has: it is what looks further", () => {
    const guard = { mode: "hold" as const, who: "release/4-faster", why: "x", at };
    const told = (release: Release, since = at, guards = {}) =>
      read(worseNotice({ ...mailer, release, guards }, { ...watch, since }, trip("hold"))).detail;
    const itself = { acts: null, command: ["turnout", "release", "show", "4-faster"] };
    for (const mode of ["rollback", "undo"] as const) {
      expect(told(aRelease({ guard: mode }), at, { beta: guard })).toMatchObject(itself);
    }
    const over = { how: "stopped" as const, who: "release/4-faster", why: "x", at };
    expect(told(aRelease({ ending: over }))).toMatchObject(itself);
    expect(told(aRelease({ ending: over, ended: over }))).toMatchObject(itself);
    const undo = { acts: expect.arrayContaining(["undo"]), command: ["turnout", "guard", "history", "mailer"] };
    expect(told(aRelease({ ended: over }), "2026-11-20T10:00:01.000Z")).toMatchObject(undo);
    expect(told(aRelease({ ended: over, version: "5" }))).toMatchObject(undo);
    expect(told(aRelease({ ended: { ...over, how: "done" } }))).toMatchObject(undo);
  });

  it("is to pin whom it fails for where the guard only watches, and to unpin them where it has", () => {
    const taken = (mode: TakenOff["mode"]) => ({ who: "customer#acme", why: "x", mode, at }) as unknown as TakenOff;
    const acts = (mode: TakenOff["mode"]) => actsOf(worseForOneNotice(mailer, watch, taken(mode)));
    expect(acts("watch")).toMatch(/^turnout pin --customer acme --component mailer --to stable/);
    expect(acts("undo")).toMatch(/^turnout unpin --customer acme --component mailer --reason/);
  });

  it("is, of a release, to take it back, to let it go on, or nothing", () => {
    const acts = (done: object) => actsOf(releaseStepNotice("mailer", aRelease(), done as NextOfRelease, now));
    expect(acts({ do: "pause", why: "x" })).toMatch(/^turnout release resume 4-faster/);
    for (const done of [{ do: "step" }, { do: "promote" }]) expect(acts(done)).toMatch(/^turnout release abort/);
    expect(acts({ do: "finish" })).toMatch(/^turnout rollback mailer stable/);
    expect(acts({ do: "end" })).toBeNull();
    expect(releaseStepNotice("mailer", aRelease(), { do: "wait" } as NextOfRelease, now)).toBeUndefined();
  });

  it("is, of a replay, to deliver again what is dead of it, once it has ended", () => {
    const ended = (dead: number) => aReplay({ progress: { endedAt: now, counts: { ...noCounts(), sent: 3, dead } } });
    expect(actsOf(replayEndedNotice(ended(0), now))).toBeNull();
    expect(actsOf(replayEndedNotice(ended(1), now))).toContain("--replay after-the-outage");
    expect(replayEndedNotice(aReplay(), now)).toBeUndefined();
  });
});

it("a dead delivery is told under one key for each of its attempts and replays, with what is known of it", () => {
  const record = { id: "e", source: "shop", detailType: "order placed", subject: {}, t0: now };
  const report: DeliveryReport = { record, at: now, component: "mailer", outcome: "dead" };
  const notice = (about: Partial<DeliveryReport> = {}) => read(deadDeliveryNotice({ ...report, ...about }));
  const keys = [{}, { attempt: 1 }, { attempt: 2 }, { replay: "r", attempt: 1 }].map((about) => notice(about).id);
  expect(new Set(keys).size).toBe(4);
  expect(keys[0]).toMatch(/^delivery-dead-[0-9a-f]{32}$/);
  expect(notice({ attempt: 0 }).id).toBe(keys[0]);
  expect(notice().detail).toMatchObject({ alias: null, version: null, error: null });
  const error = { type: "Broken", message: "it broke" };
  expect(notice({ error, executedVersion: "7" }).detail).toMatchObject({ error, version: "7" });
  expect(notice().detail.acts.join(" ")).toContain("--from 2026-11-20T10:00:00.000Z --to 2026-11-20T10:00:00.001Z");
});
