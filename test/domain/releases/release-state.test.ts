import { expect, it } from "vitest";
import { nextText, stateText, stepStates } from "../../../shared/domain/releases/release-state.ts";
import type { Release } from "../../../shared/domain/routing/release.ts";
import { aRelease, BEGAN } from "../../support/releases.ts";

const said = { who: "grace", why: "lunch", at: BEGAN.toISOString() };
const WAY = {
  steps: [
    { kind: "cohort", cohort: "staff" },
    { kind: "share", basisPoints: 2_500 },
  ],
} satisfies Partial<Release>;

it.each<[string, Partial<Release>]>([
  ["not begun", {}],
  ["step 1 of 2: cohort staff", { made: 1 }],
  ["step 2 of 2: 25%", { made: 2 }],
  ["paused at step 1 of 2: cohort staff", { made: 1, paused: said }],
  ["paused at not begun", { paused: said }],
  ["being taken back", { made: 2, paused: said, ending: { how: "aborted", ...said } }],
  ["stopped", { made: 2, paused: said, ending: { how: "stopped", ...said }, ended: { how: "stopped", ...said } }],
])("a release says where it is: %s", (text, about) => {
  expect(stateText(aRelease({ ...WAY, ...about }))).toBe(text);
});

const until = new Date("2026-11-20T10:10:00.000Z");

it.each<[string, Partial<Release>, Parameters<typeof nextText>[0]["next"]]>([
  ["25% at 2026-11-20T10:10:00.000Z, if the guard allows it", { made: 1 }, { do: "wait", until, because: "its time" }],
  ["25%; it waits: no verdict", { made: 1 }, { do: "wait", because: "no verdict" }],
  ["nothing, until it is resumed", { made: 1, paused: said }, { do: "wait", because: "paused" }],
  ["it pauses: beta was moved", { made: 1 }, { do: "pause", why: "beta was moved" }],
  ["beta gets version 4", {}, { do: "move alias" }],
  ["cohort staff, now", {}, { do: "step" }],
  ["version 4 into stable, now", { made: 2 }, { do: "promote" }],
  ["its rules are taken away, now", { made: 2 }, { do: "finish" }],
  ["it is taken back: 9 of 10 failed", { made: 1 }, { do: "take back", why: "9 of 10 failed" }],
  ["the rest is put back, now", { made: 1 }, { do: "end" }],
])("a release says what comes next: %s", (text, about, next) => {
  expect(nextText({ release: aRelease({ ...WAY, ...about }), next })).toBe(text);
});

it.each<[string, Partial<Release>]>([
  ["ahead ahead ahead", {}],
  ["now ahead ahead", { made: 1, own: [0] }],
  ["made now ahead", { made: 2, own: [0, 1] }],
  ["taken back, not made, not made", { made: 1, own: [0], ending: { how: "stopped", ...said } }],
  ["stays, taken back, not made", { made: 2, own: [1], ended: { how: "aborted", ...said } }],
  ["made, not made, made", { made: 1, own: [0], ended: { how: "done", ...said } }],
])("a release says how each of its steps stands, and everybody: %s", (states, about) => {
  const told = stepStates(aRelease({ ...WAY, ...about }));
  expect(told).toEqual(states.split(states.includes(",") ? ", " : " "));
});
