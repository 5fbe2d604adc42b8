import { expect, it } from "vitest";
import {
  isLost,
  isUnderWay,
  lostWatch,
  newWatch,
  type TakenOff,
  type Trip,
} from "../../../shared/domain/health/watch.ts";

const at = "2026-11-20T10:00:00.000Z";
const key = { component: "mailer", alias: "beta", version: "2" };
const watch = newWatch(key, new Date("2026-11-20T09:00:00.000Z"), new Date(at));

it("a new watch has seen nothing, from its beginning on", () => {
  expect(watch).toEqual({
    ...key,
    lock: 0,
    since: "2026-11-20T09:00:00.000Z",
    from: at,
    upTo: at,
    customers: [],
    meters: { failed: watch.meters.failed, slower: watch.meters.failed, missing: watch.meters.failed },
  });
  const nothing = { tried: 0, failed: 0 };
  expect(watch.meters.failed).toEqual({
    ...{ own: nothing, bursts: nothing, stable: nothing, expected: 0, sums: [], stretches: 0 },
  });
});

it("a watch whose row can't be read is one of which nothing is known", () => {
  expect([isLost(lostWatch(key)), isLost(watch)]).toEqual([true, false]);
});

it("a watch has something under way until its trip, and all whom it takes off, have come to their end", () => {
  const trip = (stage: Trip["stage"]) => ({ stage }) as Trip;
  const taken = (stage: TakenOff["stage"]) => ({ stage }) as TakenOff;
  expect(isUnderWay(watch)).toBe(false);
  expect([isUnderWay({ ...watch, trip: trip("found") }), isUnderWay({ ...watch, trip: trip("acting") })]).toEqual([
    true,
    true,
  ]);
  expect(isUnderWay({ ...watch, trip: trip("ended") })).toBe(false);
  expect(isUnderWay({ ...watch, taken: [taken("ended"), taken("found")] })).toBe(true);
  expect(isUnderWay({ ...watch, trip: trip("ended"), taken: [taken("ended")] })).toBe(false);
});
