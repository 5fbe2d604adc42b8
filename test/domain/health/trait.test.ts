import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileEventPattern } from "../../../shared/domain/events/event-pattern.ts";
import { rankExplanations } from "../../../shared/domain/health/rank-explanations.ts";
import { type Trait, traitFilter, traitText } from "../../../shared/domain/health/trait.ts";
import { traitIndex } from "../../../shared/domain/health/trait-index.ts";

const aCase = {
  failed: false,
  at: new Date("2026-11-20T10:00:00Z"),
  type: "push",
  version: "22",
  alias: "stable",
  because: "default alias" as const,
  subject: { customer: "acme" },
};

const path = (names: string, value: string | boolean | undefined): Trait => ({
  of: "path",
  path: names.split("."),
  value,
});

describe("a trait", () => {
  it("reads as a person would say it", () => {
    expect(traitText({ of: "customer", value: "acme" })).toBe("customer acme");
    expect(traitText({ of: "customer", value: "" })).toBe("no customer");
    expect(traitText(path("detail.repository.private", true))).toBe("detail.repository.private = true");
    expect(traitText({ of: "path", path: ["detail", "full name"], value: "a" })).toBe('detail["full name"] = "a"');
    expect(traitText(path("detail.fork", undefined))).toBe("detail.fork is missing");
  });

  it("is a filter, and two of them are one", () => {
    const [isPrivate, isPush] = [path("detail.repository.private", true), { of: "type", value: "push" } as const];
    expect(traitFilter([{ of: "customer", value: "acme" }, isPrivate])).toEqual({
      customer: "acme",
      pattern: { detail: { repository: { private: [true] } } },
    });
    expect(traitFilter([isPush, isPrivate])).toEqual({
      pattern: { "detail-type": ["push"], detail: { repository: { private: [true] } } },
    });
    expect(
      traitFilter([
        { of: "version", value: "23" },
        { of: "because", value: "rollout" },
      ]),
    ).toEqual({
      executedVersion: "23",
      because: "rollout",
    });
  });

  it("is none where none says just that", () => {
    expect(traitFilter([{ of: "customer", value: "" }])).toBeUndefined();
    expect(traitFilter([path("detail.a", "x"), path("detail.a", "y")])).toBeUndefined();
    expect(traitFilter([path("detail.a", "x"), path("detail.a.b", "y")])).toBeUndefined();
    expect(traitFilter([path("detail.$or", "x")])).toBeUndefined();
  });
});

describe("the traits of cases", () => {
  it("are those of the cases that the pattern of each matches, whatever events look like", () => {
    const name = fc.constantFrom("a", "b", "", "full name", "__proto__", "constructor", "$or");
    const value = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom(0, 1, -1.5, true, null, "", "x", "it's", '"', "\n"),
        fc.array(tie("any"), { maxLength: 3 }),
        fc.dictionary(name, tie("any"), { maxKeys: 3 }),
      ),
    })).any;
    const events = fc.array(
      fc.record({ source: fc.constant("shop"), detail: fc.dictionary(name, value, { maxKeys: 4 }) }),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(events, (all) => {
        const index = traitIndex();
        for (const event of all) index.add({ ...aCase, event });
        for (const { trait, cases } of index.traits()) {
          const pattern = trait.of === "path" ? traitFilter([trait])?.pattern : undefined;
          if (pattern === undefined) continue;
          const compiled = compileEventPattern(pattern);
          if (!compiled.ok) throw new Error(compiled.problem);
          const matching = all.flatMap((event, n) => (compiled.matches(event) ? [n] : []));
          expect({ trait, cases }).toEqual({ trait, cases: matching });
        }
      }),
    );
  });

  it("have the facts of each, and not what every event has for itself", () => {
    const index = traitIndex();
    index.add({ ...aCase, event: { id: "1", time: "t", detail: { metadata: { customer: "acme", x: 1 } } } });
    index.add({ ...aCase, subject: {} });
    const texts = [...index.traits()].map(({ trait, cases }) => `${traitText(trait)}: ${cases.join()}`);
    expect(texts).toContain("customer acme: 0");
    expect(texts).toContain("no customer: 1");
    expect(texts).toContain("type push: 0,1");
    expect(texts.filter((text) => text.startsWith("detail"))).toEqual(["detail.metadata.x = 1: 0"]);
    expect(index.readable).toEqual([0]);
    expect(index.left).toEqual({ events: 1, paths: 0, values: 0 });
  });

  it("are bounded: what is too deep, too long or too much is left out, and said", () => {
    const index = traitIndex();
    const deep = Array.from({ length: 900 }).reduce<unknown>((inner) => ({ a: inner }), 1);
    const many = Object.fromEntries(Array.from({ length: 2_500 }, (_, n) => [`field-${n}`, n]));
    index.add({ ...aCase, event: { detail: deep as object } });
    index.add({ ...aCase, event: { detail: { text: "x".repeat(201) } } });
    index.add({ ...aCase, event: { detail: { list: Array.from({ length: 3_001 }, (_, n) => n) } } });
    index.add({ ...aCase, event: { detail: many } });
    const paths = [...index.traits()].flatMap(({ trait }) => (trait.of === "path" ? [trait.path] : []));
    expect(Math.max(...paths.map(({ length }) => length))).toBeLessThanOrEqual(12);
    expect(new Set(paths.map((one) => one.join("."))).size).toBeLessThanOrEqual(2_000);
    expect(index.left).toMatchObject({ events: 1, values: 1 });
    expect(index.left.paths).toBeGreaterThan(500);
  });
});

describe("a million distinct customers and values", () => {
  it("take a bounded share of memory, explain nothing, and what is left out is said", () => {
    const index = traitIndex();
    for (let n = 0; n < 2_000; n++) {
      const values = Object.fromEntries(Array.from({ length: 60 }, (_, m) => [`field-${m}`, `${n}-${m}`]));
      const subject = { customer: `customer-${n}`, project: `project-${n}` };
      index.add({ ...aCase, failed: n < 700, subject, event: { detail: values } });
    }
    expect(index.left.values).toBe(2_000 * 60 - 100_000);
    expect(rankExplanations(index)).toMatchObject({ explanations: [], failed: 700, passed: 1_300 });
  });
});
