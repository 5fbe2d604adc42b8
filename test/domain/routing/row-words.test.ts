import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Component } from "../../../shared/domain/routing/component.ts";
import type { RowChange } from "../../../shared/domain/routing/routing-change.ts";
import { rowWords } from "../../../shared/domain/routing/row-words.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { differences } from "../../../shared/domain/text/json-differences.ts";
import { anyAcceptedRow } from "../../support/any-row.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";

const mailer = (about: Partial<Component>) => aComponent({ name: "mailer", ...about });
const told = (key: RowChange["key"], before: RowChange["before"], after: RowChange["after"]) =>
  rowWords({ key, before, after });

describe("a row's change in words", () => {
  it("says of a subject what it is of, where it is pinned, and which cohorts it is in", () => {
    const pin = aPin({ alias: "beta", who: "ada", why: "faster", until: "2026-12-01T00:00:00.000Z" });
    const was = aSubjectRow({ plan: "free", cohorts: ["staff"] });
    const is = aSubjectRow({ plan: "pro", pins: { mailer: pin }, cohorts: ["partners"] });
    expect(told("customer#acme", was, is)).toEqual([
      "customer acme: plan free → pro",
      "customer acme: pinned to beta at mailer until 2026-12-01T00:00:00.000Z, by ada: faster",
      "customer acme: joins cohort partners",
      "customer acme: leaves cohort staff",
    ]);
    expect(told("customer#acme", is, null)).toEqual([
      "customer acme: no plan, before pro",
      "customer acme: no longer pinned to beta at mailer",
      "customer acme: leaves cohort partners",
    ]);
  });

  it("says of a component whom its rules send where, and what else is another", () => {
    const by = { who: "ada", why: "an outage", at: "2026-11-20T10:00:00.000Z" };
    const rollout = { alias: "beta", basisPoints: 500, by: "customer", salt: "s" } as const;
    const was = mailer({ cohortRoutes: [{ cohort: "staff", alias: "beta" }], rollout });
    const is = mailer({ allStable: by, rollout: { ...rollout, basisPoints: 1_000 }, timeoutMs: 10_000 });
    expect(told("component#mailer", was, is)).toEqual([
      "component mailer: everything goes to stable, by ada: an outage",
      "component mailer: no longer cohort staff to beta",
      "component mailer: rollout of 10% of customers to beta, before 5% of customers to beta",
      `component mailer: timeoutMs ${was.timeoutMs} → 10000`,
    ]);
    expect(told("component#mailer", is, null)).toEqual(["component mailer goes"]);
  });

  it("says which can't be read", () => {
    const unreadable = new UnreadableRow("not JSON", "{");
    expect(told("customer#acme", unreadable, null)).toEqual(["customer acme can't be read (not JSON): it goes"]);
  });

  it("says nothing of a row that stays as it is, not even that it is new", () => {
    const guardrails = { protectedSubjects: [], expiryRequiredFor: [] };
    expect(told("settings#guardrails", guardrails, { ...guardrails })).toEqual([]);
    expect(told("settings#guardrails", null, guardrails)).not.toEqual([]);
  });

  it("says something of whatever changes, and nothing as JSON", () => {
    const rows = fc.tuple(anyAcceptedRow("mailer"), anyAcceptedRow("mailer"));
    fc.assert(
      fc.property(rows, ([[key, before], [other, after]]) => {
        const change = key === other ? { key, before, after } : { key, before: null, after: before };
        const words = rowWords(change);
        const changes = differences(change.before ?? {}, change.after ?? {}).length;
        expect(words.length > 0).toBe(changes > 0 || change.before === null);
      }),
    );
  });

  it("says that it is another of what has no words of its own", () => {
    const stored = Component.parse({ name: "mailer", pattern: { source: ["shop"] }, aliases: { stable: {} } });
    const others = { ...stored, pattern: { source: ["crm"] } };
    expect(told("component#mailer", stored, others)).toEqual(["component mailer: pattern source is another"]);
  });
});
