import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Component, Component as ComponentSchema } from "../../../shared/domain/routing/component.ts";
import { redefined, rulesLeftAlone } from "../../../shared/domain/routing/component-halves.ts";
import { readRow, storedRow } from "../../../shared/domain/routing/stored-row.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { anyComponent } from "../../support/any-routing.ts";
import { aComponent } from "../../support/builders.ts";
import { aRelease } from "../../support/releases.ts";

const KEY = "component#mailer";
const AUTHORS = ["name", "pattern", "timeoutMs", "retry", "invocation", "worker"] as const;
const OPERATORS = [
  ...["defaultAlias", "fallbackAlias", "cohortRoutes", "rollout", "release", "allStable"],
  ...["guards", "badVersions"],
] as const;
const half = (fields: readonly string[]) => (component: Component) =>
  Object.fromEntries(Object.entries(component).filter(([field]) => fields.includes(field)));
const definition = half(AUTHORS);
const rules = half(OPERATORS);
const author = fc
  .tuple(anyComponent("mailer"), fc.integer({ min: 1, max: 800_000 }), fc.constantFrom("shop", "forge"))
  .map(([component, timeoutMs, source]): Component => ({ ...component, timeoutMs, pattern: { source: [source] } }));

it("each field of a component is its author's or its operators', but for the aliases, which are both's", () => {
  expect([...AUTHORS, ...OPERATORS, "aliases"].toSorted()).toEqual(Object.keys(ComponentSchema.shape).toSorted());
});

describe("a component that is applied again", () => {
  it("has its author's definition and its operators' rules, whatever both are", () => {
    fc.assert(
      fc.property(anyComponent("mailer"), author, (before, defined) => {
        const after = redefined(before, defined);
        expect(definition(after)).toEqual(definition(defined));
        expect(rules(after)).toEqual(rules(before));
        expect(readRow(KEY, after).ok).toBe(true);
        expect(redefined(after, defined)).toEqual(after);
      }),
    );
  });

  it("keeps aliases that its file doesn't name, and those that are retired, with the targets of now", () => {
    const lambda = (name: string) => ({
      target: { kind: "lambda" as const, functionArn: `arn:aws:lambda:eu-west-1:123456789012:function:${name}` },
    });
    const before = aComponent({
      aliases: { stable: lambda("a"), old: { ...lambda("a"), retired: true }, mine: lambda("a") },
    });
    const defined = aComponent({
      aliases: { stable: lambda("b"), old: lambda("b"), new: { ...lambda("b"), retired: true } },
    });
    expect(redefined(before, defined).aliases).toEqual({
      stable: lambda("b"),
      old: { ...lambda("b"), retired: true },
      new: { ...lambda("b"), retired: true },
      mine: lambda("a"),
    });
  });

  it("keeps the rules of a row that can't be read, as far as they can", () => {
    fc.assert(
      fc.property(anyComponent("mailer"), author, (before, defined) => {
        const row = storedRow(KEY, JSON.stringify({ ...before, pattern: { source: [{ "anything-but": null }] } }));
        expect(row).toBeInstanceOf(UnreadableRow);
        expect(rules(redefined(row as UnreadableRow, defined))).toEqual(rules(before));
      }),
    );
    const broken = new UnreadableRow("", '{"defaultAlias":"gone","aliases":7,"rollout":{}}');
    expect(redefined(broken, aComponent())).toEqual(aComponent());
    for (const text of ["{", "null", "7"]) {
      expect(redefined(new UnreadableRow("", text), aComponent())).toEqual(aComponent());
    }
  });

  it("is told what was left alone", () => {
    const allStable = { who: "ada", why: "fire", at: "2026-11-20T10:00:00.000Z" };
    const before = aComponent({
      aliases: ["stable", "beta", "mine"],
      defaultAlias: "beta",
      cohortRoutes: [{ cohort: "staff", alias: "beta" }],
      allStable,
    });
    expect(rulesLeftAlone(before, aComponent())).toEqual([
      "all stable",
      "the route of cohort staff to beta",
      "the default alias beta",
      "aliases that it doesn't name (mine)",
    ]);
    const at = "2026-11-20T10:00:00.000Z";
    const busy = {
      ...aComponent({ rollout: { alias: "beta", by: "customer", salt: "s", basisPoints: 500 }, fallbackAlias: "beta" }),
      aliases: { ...aComponent().aliases, old: { target: { kind: "worker" as const }, retired: true } },
      release: aRelease(),
      guards: { beta: { mode: "hold" as const, who: "ada", why: "x", at } },
    };
    expect(rulesLeftAlone(busy, aComponent({ aliases: ["stable", "beta", "old"] }))).toEqual([
      "the rollout to beta",
      "release 4-faster",
      "the guard of beta (hold)",
      "the fallback alias beta",
      "what is retired (old)",
    ]);
    expect(
      rulesLeftAlone(
        { ...aComponent(), release: aRelease({ ended: { who: "ada", why: "x", at, how: "done" } }) },
        aComponent(),
      ),
    ).toEqual([]);
    expect(rulesLeftAlone(aComponent(), aComponent())).toEqual([]);
    expect(rulesLeftAlone(undefined, aComponent())).toEqual([]);
  });
});

it("guards and marks of a component that is applied again stay its operators'", () => {
  const at = "2026-11-20T10:00:00.000Z";
  const guards = { beta: { mode: "hold" as const, who: "ada", why: "x", at } };
  const badVersions = [{ version: "4", alias: "beta", why: "it fails", at }];
  expect(redefined({ ...aComponent(), guards, badVersions }, aComponent({ timeoutMs: 5 }))).toEqual({
    ...aComponent({ timeoutMs: 5 }),
    guards,
    badVersions,
  });
});

describe("a component that is new", () => {
  it("has the rules of its file", () => {
    const given = aComponent({ defaultAlias: "beta", cohortRoutes: [{ cohort: "staff", alias: "beta" }] });
    expect(redefined(undefined, given)).toEqual(given);
  });
});
