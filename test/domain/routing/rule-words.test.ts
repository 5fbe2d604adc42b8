import { expect, it } from "vitest";
import type { Component } from "../../../shared/domain/routing/component.ts";
import { ruleWords } from "../../../shared/domain/routing/rule-words.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { aComponent, aSubjectRow } from "../../support/builders.ts";
import { aRelease, BEGAN } from "../../support/releases.ts";

const said = { who: "grace", why: "lunch", at: BEGAN.toISOString() };
const release = aRelease();
const idle = aComponent({ name: "mailer" });

/** What a change of the mailer's row is called. */
const told = (before: Component | null, after: Component | null) =>
  ruleWords([{ key: "component#mailer", before, after }]);

it.each([
  ["begun: version 4 by beta to stable, cohort staff, plan free, 5%, 100%", undefined, release],
  ["step 1 of 4: cohort staff", release, aRelease({ made: 1 })],
  ["step 4 of 4: 100%", aRelease({ made: 3 }), aRelease({ made: 4 })],
  ["back at step 1 of 4", aRelease({ made: 3 }), aRelease({ made: 1 })],
  ["paused: lunch", release, aRelease({ paused: said })],
  ["resumed", aRelease({ paused: said }), release],
  ["taken back: aborted", aRelease({ paused: said }), aRelease({ ending: { ...said, how: "aborted" } })],
  ["takes its rules away: everybody is on it", release, aRelease({ ending: { ...said, how: "done" } })],
  [
    "ended: stopped",
    aRelease({ ending: { ...said, how: "stopped" } }),
    aRelease({ ended: { ...said, how: "stopped" } }),
  ],
  ["forgotten", release, undefined],
])("a release is told to be %s", (words, before, after) => {
  const withIt = (one: typeof before) => ({ ...idle, ...(one && { release: one }) });
  expect(told(withIt(before), withIt(after))).toEqual([`release 4-faster ${words}`]);
});

it("a version's mark behind one alias says nothing of another alias, or of another version", () => {
  const mark = (version: string, alias: string) => ({ version, alias, why: "it fails", at: said.at });
  const before = { ...idle, badVersions: [mark("4", "beta")] };
  expect(told(before, { ...idle, badVersions: [mark("4", "beta"), mark("4", "stable"), mark("5", "beta")] })).toEqual([
    "version 4 marked as worse behind stable",
    "version 5 marked as worse behind beta",
  ]);
  expect(told(before, null)).toEqual([]);
});

it("a release that stays paused, or stays as it is, is told nothing of", () => {
  const paused = { ...idle, release: aRelease({ paused: said }) };
  expect(told(paused, { ...paused, timeoutMs: 1 })).toEqual([]);
  expect(told({ ...idle, release }, { ...idle, release, timeoutMs: 1 })).toEqual([]);
});

it("a release that has ended is forgotten without a word, and another in its place is begun", () => {
  const ended = aRelease({ ended: { ...said, how: "done" } });
  expect(told({ ...idle, release: ended }, idle)).toEqual([]);
  expect(told({ ...idle, release: ended }, { ...idle, release: aRelease({ id: "5" }) })[0]).toMatch(/^release 5 begun/);
});

it("guards are told by their aliases and modes, and versions that were found to be worse", () => {
  const guard = { mode: "hold", ...said } as const;
  const marked = { ...idle, badVersions: [{ version: "4", alias: "beta", why: "it fails", at: said.at }] };
  const [held, undone] = [
    { ...idle, guards: { beta: guard } },
    { ...idle, guards: { beta: { ...guard, mode: "undo", all: true } as const } },
  ];
  expect(told(idle, held)).toEqual(["guard of beta: hold"]);
  expect(told(held, undone)).toEqual(["guard of beta: hold → undo, all of it"]);
  expect(told(undone, idle)).toEqual(["guard of beta cleared"]);
  expect(told(held, { ...idle, guards: { beta: { ...guard, why: "again" } } })).toEqual([]);
  expect(told(idle, marked)).toEqual(["version 4 marked as worse behind beta"]);
  expect(told(marked, idle)).toEqual(["version 4 no longer marked as worse behind beta"]);
});

it("of all else nothing is told", () => {
  expect(told(null, idle)).toEqual([]);
  expect(told(idle, null)).toEqual([]);
  expect(
    ruleWords([{ key: "component#mailer", before: new UnreadableRow("not JSON", "{"), after: { ...idle, release } }]),
  ).toEqual([]);
  expect(ruleWords([{ key: "customer#acme", before: null, after: aSubjectRow({ plan: "free" }) }])).toEqual([]);
});
