import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isEmptySubjectRow, resolveSubject, SubjectRow } from "../../shared/domain/routing/subject-rows.ts";
import { type Subject, SubjectId, subjectKeys } from "../../shared/domain/subject.ts";
import { read } from "../../shared/domain/text/schema.ts";
import { aPin, aSubjectRow, rowsOf } from "../support/builders.ts";

describe("a subject id", () => {
  it.each([
    "a",
    "acme/site",
    "acme#1",
    "with spaces ",
    "Ærøskøbing ☕ 東京 👩‍👩‍👧",
    "e\u0301",
    "constructor",
    "__proto__",
    "../../etc",
    "x".repeat(1_024),
    "é".repeat(512),
    "👍".repeat(256),
  ])("can be %j, and stays as it is", (id) => {
    expect(read(SubjectId, id)).toEqual({ ok: true, value: id });
  });

  it.each([
    ["", "empty"],
    ["x".repeat(1_025), "1024 bytes"],
    ["x".repeat(2_048), "1024 bytes"],
    ["é".repeat(513), "1024 bytes"],
    ["東".repeat(342), "1024 bytes"],
    ["half \ud83d", "half a surrogate"],
    ["\udc4d half", "half a surrogate"],
    ["line\nbreak", "control characters"],
    ["tab\t", "control characters"],
    ["nul\0", "control characters"],
    ["\u0085", "control characters"],
    [42, "text"],
    [null, "text"],
    [["acme"], "text"],
  ])("refuses %j", (id, why) => {
    expect(read(SubjectId, id)).toEqual({ ok: false, problem: expect.stringContaining(why) });
  });

  it("is never normalised: two spellings of é are two ids", () => {
    expect(subjectKeys({ customer: "é" })).not.toEqual(subjectKeys({ customer: "e\u0301" }));
  });
});

describe("subjectKeys", () => {
  it("are the rows that decide, in winning order", () => {
    const subject = { user: "u", plan: "paid", customer: "acme", project: "acme/site" };
    expect(subjectKeys(subject)).toEqual(["user#u", "project#acme/site", "customer#acme", "plan#paid"]);
    expect(subjectKeys({})).toEqual([]);
  });

  it("subjectKeys of different subjects never coincide", () => {
    const id = fc.string({ unit: fc.constantFrom("a", "#", "project", "customer"), minLength: 1, maxLength: 4 });
    const one = fc.record({ level: fc.constantFrom("project" as const, "customer" as const, "plan" as const), id });
    fc.assert(
      fc.property(one, one, (a, b) => {
        const same = a.level === b.level && a.id === b.id;
        expect(subjectKeys({ [a.level]: a.id })[0] === subjectKeys({ [b.level]: b.id })[0]).toBe(same);
      }),
    );
  });
});

describe("resolveSubject", () => {
  const rowOf = rowsOf({
    "project#acme/site": { customer: "acme" },
    "project#orphan": {},
    "customer#acme": { plan: "paid" },
    "customer#globex": { plan: "free" },
    "plan#paid": { plan: "never looked at", customer: "never looked at" },
  });

  it.each<[string, Subject, Subject]>([
    ["nothing stated stays nothing", {}, {}],
    ["project → customer → plan", { project: "acme/site" }, { project: "acme/site", customer: "acme", plan: "paid" }],
    ["customer → plan", { customer: "acme" }, { customer: "acme", plan: "paid" }],
    ["a plan leads nowhere", { plan: "paid" }, { plan: "paid" }],
    ["a user leads nowhere", { user: "ada" }, { user: "ada" }],
    [
      "the stated customer wins, and brings its own plan",
      { project: "acme/site", customer: "globex" },
      { project: "acme/site", customer: "globex", plan: "free" },
    ],
    [
      "the stated plan wins",
      { project: "acme/site", plan: "trial" },
      { project: "acme/site", customer: "acme", plan: "trial" },
    ],
    [
      "a stated customer that isn't known has no plan, whatever the project's customer has",
      { project: "acme/site", customer: "unheard of" },
      { project: "acme/site", customer: "unheard of" },
    ],
    ["a project without a customer stays alone", { project: "orphan" }, { project: "orphan" }],
    ["a project that isn't known stays alone", { project: "new" }, { project: "new" }],
    ["names of the language are ids like others", { project: "constructor" }, { project: "constructor" }],
  ])("%s", (_title, stated, resolved) => {
    expect(resolveSubject(stated, rowOf)).toStrictEqual(resolved);
  });

  it("keeps all that was stated, and has nothing to add the second time", () => {
    const id = (...ids: string[]) => fc.option(fc.constantFrom(...ids), { nil: undefined });
    const subject = fc
      .record({ project: id("acme/site", "orphan"), customer: id("acme", "globex"), plan: id("paid"), user: id("ada") })
      .map((ids): Subject => Object.fromEntries(Object.entries(ids).filter(([, value]) => value !== undefined)));
    fc.assert(
      fc.property(subject, (stated) => {
        const resolved = resolveSubject(stated, rowOf);
        expect(resolved).toMatchObject(stated);
        expect(resolveSubject(resolved, rowOf)).toStrictEqual(resolved);
      }),
    );
  });
});

describe("a subject row", () => {
  it.each([
    [{}, true],
    [{ customer: "acme" }, false],
    [{ plan: "paid" }, false],
    [{ cohorts: ["staff"] }, false],
    [{ pins: { "release-coordinator": aPin() } }, false],
  ])("%j: empty is %s", (about, empty) => {
    expect(isEmptySubjectRow(aSubjectRow(about))).toBe(empty);
  });

  it("has no pins and no cohorts by default", () => {
    expect(SubjectRow.parse({})).toEqual({ pins: {}, cohorts: [] });
  });

  it("refuses a pin without who or why, and names it", () => {
    const { why: _, ...unexplained } = aPin();
    expect(read(SubjectRow, { pins: { router: unexplained } })).toEqual({
      ok: false,
      problem: expect.stringContaining("pins.router.why"),
    });
  });
});
