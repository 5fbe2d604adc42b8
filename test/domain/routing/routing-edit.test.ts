import { describe, expect, it } from "vitest";
import { DEFAULT_GUARDRAILS, type Guardrails } from "../../../shared/domain/routing/guardrails.ts";
import type { Row, RowChange, RowKey } from "../../../shared/domain/routing/routing-change.ts";
import {
  applyEdit,
  keysOf,
  objectionsTo,
  type RoutingEdit,
  type RowLookup,
} from "../../../shared/domain/routing/routing-edit.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aRelease } from "../../support/releases.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const at = now.toISOString();
const past = "2026-11-20T10:00:00.000Z";
const mailer = aComponent({ name: "mailer", aliases: ["stable", "beta", "experimental"] });
const register = { staff: { description: "us", who: "ada", at } };
const pin = (about: Parameters<typeof aPin>[0]): RoutingEdit => {
  return { kind: "pin", level: "customer", id: "acme", component: "mailer", pin: aPin(about) };
};

/** What the edit does to these rows; it may look only at the rows that it says it looks at. */
function apply(edit: RoutingEdit, rows: { [key in RowKey]?: Row } = {}): RowChange[] {
  const all = new Map<string, Row>(
    Object.entries({ "component#mailer": mailer, "settings#cohorts": register, ...rows }),
  );
  const seen = new Set(keysOf(edit));
  const rowOf = ((key) => (seen.has(key) ? all.get(key) : undefined)) as RowLookup;
  return applyEdit(edit, rowOf, ["mailer"], now);
}

describe("a cohort", () => {
  const create = (cohort: string, description = ""): RoutingEdit => {
    return { kind: "create cohort", cohort, description, who: "bob", at };
  };

  it("is created beside the others, described anew, and left alone when it is so already", () => {
    const press = { description: "", who: "bob", at };
    expect(apply(create("press"))).toMatchObject([{ before: register, after: { ...register, press } }]);
    expect(apply(create("staff", "all of us"))).toMatchObject([{ after: { staff: { description: "all of us" } } }]);
    expect(apply(create("staff", "us"))).toEqual([]);
    expect(apply(create("constructor"))).toHaveLength(1);
  });

  it("is removed, the last one with the whole register", () => {
    expect(apply({ kind: "remove cohort", cohort: "staff" })).toMatchObject([{ after: null }]);
    expect(() => apply({ kind: "remove cohort", cohort: "nope" })).toThrow("There are: staff.");
  });

  it("takes members in and out, each once, in whatever order, and only those that change", () => {
    const rows = { "customer#acme": aSubjectRow({ cohorts: ["staff"] }), "project#p": aSubjectRow({ cohorts: ["z"] }) };
    const members = ["customer#acme", "project#p"] as const;
    const set = (member: boolean) => apply({ kind: "set members", cohort: "staff", members, member }, rows);
    expect(set(true)).toMatchObject([{ key: "project#p", after: { cohorts: ["staff", "z"] } }]);
    expect(set(false)).toEqual([{ key: "customer#acme", before: rows["customer#acme"], after: null }]);
    expect(() => apply({ kind: "set members", cohort: "nope", members, member: true })).toThrow("No cohort 'nope'");
  });

  it("is needed for a route of a component", () => {
    const route = (cohort: string): RoutingEdit => {
      const change = { set: "cohort route", route: { cohort, alias: "beta" } } as const;
      return { kind: "change component", component: "mailer", change };
    };
    expect(apply(route("staff"))).toMatchObject([{ after: { cohortRoutes: [{ cohort: "staff", alias: "beta" }] } }]);
    expect(() => apply(route("nope"))).toThrow("No cohort 'nope'");
  });

  it("is needed for the routes that a component begins with", () => {
    const routed = (cohort: string): RoutingEdit => {
      const component = { ...mailer, name: "invoice", cohortRoutes: [{ cohort, alias: "beta" }] };
      return { kind: "apply component", component };
    };
    expect(apply(routed("staff"))).toMatchObject([{ key: "component#invoice", before: null }]);
    expect(() => apply(routed("nope"))).toThrow("No cohort 'nope'");
  });
});

describe("a rule", () => {
  it("a rule that would have expired already is refused, by the millisecond", () => {
    const rollout = { alias: "beta", basisPoints: 1, by: "user", salt: "s", until: past } as const;
    const route = { cohort: "staff", alias: "beta", until: past };
    for (const change of [{ set: "rollout", rollout } as const, { set: "cohort route", route } as const]) {
      expect(() => apply({ kind: "change component", component: "mailer", change })).toThrow("expired already");
    }
    expect(() => apply(pin({ until: past }))).toThrow("expired already");
    expect(apply(pin({ until: "2026-11-20T10:00:00.001Z" }))).toHaveLength(1);
  });

  it("may have a successor that is another alias in use; another successor is another pin", () => {
    expect(() => apply(pin({ successor: "nope" }))).toThrow("No alias 'nope'");
    expect(() => apply(pin({ successor: "beta" }))).toThrow("can't be its own successor");
    const old = {
      ...mailer,
      aliases: { ...mailer.aliases, old: { target: { kind: "worker" }, retired: true } },
    } as const;
    for (const about of [{ alias: "old" }, { successor: "old" }]) {
      expect(() => apply(pin(about), { "component#mailer": old })).toThrow("retired");
    }
    const rows = { "customer#acme": aSubjectRow({ pins: { mailer: aPin() } }) };
    expect(apply(pin({ successor: "stable" }), rows)).toHaveLength(1);
    expect(apply(pin({}), rows)).toEqual([]);
  });
});

describe("a component that is applied", () => {
  it("is looked at with the register of cohorts only where it routes one, so that nobody else's cohort stands in its way", () => {
    const applied = (component: typeof mailer) => keysOf({ kind: "apply component", component });
    expect(applied(mailer)).toEqual(["component#mailer"]);
    const routed = aComponent({ name: "mailer", cohortRoutes: [{ cohort: "staff", alias: "beta" }] });
    expect(applied(routed)).toEqual(["component#mailer", "settings#cohorts"]);
  });
});

describe("while changes are frozen", () => {
  const frozen: Guardrails = { ...DEFAULT_GUARDRAILS, freeze: { who: "ada", why: "incident 42", at } };
  const allStable = { who: "ada", why: "bad", at };
  const change = { revision: 1, changeId: "c", at: now, who: "a", why: "b", command: "c", rows: [] };

  it.each<[string, RoutingEdit]>([
    ["a revert", { kind: "revert", changes: [change] }],
    ["all stable", { kind: "change component", component: "mailer", change: { set: "all stable", allStable } }],
    ["unfreezing", { kind: "set guardrails", guardrails: DEFAULT_GUARDRAILS }],
  ])("%s goes through", (_, edit) => {
    expect(objectionsTo(edit, frozen, [])).toEqual([]);
  });

  it.each([
    ["start", false],
    ["step", false],
    ["resume", false],
    ["pause", true],
    ["take back", true],
    ["end", true],
  ] as const)("whether a release may %s: %s", (act, passes) => {
    const said = { who: "ada", why: "24", at };
    const acts = {
      start: { do: "start", release: aRelease() },
      step: { do: "step", id: "r", made: 0, at },
      resume: { do: "resume", id: "r", ...said },
      pause: { do: "pause", id: "r", ...said },
      "take back": { do: "take back", id: "r", how: "aborted", ...said },
      end: { do: "end", id: "r" },
    } as const;
    const edit: RoutingEdit = { kind: "release", component: "mailer", plans: [], act: acts[act] };
    expect(objectionsTo(edit, frozen, [])).toHaveLength(passes ? 0 : 1);
  });

  it.each<[string, RoutingEdit]>([
    ["a pin", pin({})],
    ["an unpin", { kind: "unpin", level: "plan", id: "free", component: "mailer" }],
    ["the end of all stable", { kind: "change component", component: "mailer", change: { remove: "all stable" } }],
    ["a component", { kind: "apply component", component: mailer }],
    ["a source", { kind: "apply source", source: { source: "shop" } }],
    ["the directory", { kind: "set directory rows", rows: [] }],
    ["a customer", { kind: "set customer", project: "p", customer: null }],
    ["a plan", { kind: "set plan", customer: "c", plan: null }],
    ["a new cohort", { kind: "create cohort", cohort: "a", description: "", who: "a", at }],
    ["the end of a cohort", { kind: "remove cohort", cohort: "a" }],
    ["members", { kind: "set members", cohort: "a", members: [], member: true }],
  ])("%s is refused, with who froze and why", (_, edit) => {
    expect(objectionsTo(edit, frozen, [])).toEqual([
      {
        says: `changes are frozen by ada since ${at}: incident 42 (only rollback, undo, revert, all-stable and unfreeze are allowed)`,
      },
    ]);
    expect(objectionsTo(edit, DEFAULT_GUARDRAILS, [])).toEqual([]);
  });
});

describe("a pin to an alias that asks for an end", () => {
  it("is refused without one, and says what to do", () => {
    const until = "2999-01-01T00:00:00.000Z";
    expect(objectionsTo(pin({ alias: "experimental" }), DEFAULT_GUARDRAILS, [])).toEqual([
      { says: "a pin to experimental needs an end", remedy: { operation: "end pin" } },
    ]);
    expect(objectionsTo(pin({ alias: "experimental", until }), DEFAULT_GUARDRAILS, [])).toEqual([]);
    expect(objectionsTo(pin({ alias: "experimental" }), { ...DEFAULT_GUARDRAILS, expiryRequiredFor: [] }, [])).toEqual(
      [],
    );
  });
});

describe("a pin that is taken away", () => {
  const unpin: RoutingEdit = { kind: "unpin", level: "customer", id: "acme", component: "mailer" };
  const pinned = { "customer#acme": aSubjectRow({ pins: { mailer: aPin(), other: aPin() } }) };

  it("leaves the pins of others, and may be of a component that is gone", () => {
    const left = aSubjectRow({ pins: { other: aPin() } });
    expect(apply(unpin, pinned)).toMatchObject([{ after: left }]);
    const gone = new Map<string, Row>(Object.entries(pinned));
    expect(applyEdit(unpin, ((key) => gone.get(key)) as RowLookup, [], now)).toMatchObject([{ after: left }]);
  });

  it("changes nothing where there is none, and is refused where there is no such component either", () => {
    expect(apply(unpin)).toEqual([]);
    expect(() => applyEdit(unpin, () => undefined, ["mailer"], now)).toThrow("No component 'mailer'");
  });
});

describe("a component", () => {
  it("a component that isn't there is neither removed nor changed, and one that can't be read is removed alone", () => {
    const remove: RoutingEdit = { kind: "remove component", component: "mailer" };
    const change: RoutingEdit = { kind: "change component", component: "mailer", change: { remove: "all stable" } };
    for (const edit of [remove, change]) {
      expect(() => applyEdit(edit, () => undefined, ["other"], now)).toThrow("No component 'mailer'");
    }
    const broken = new UnreadableRow("is broken", "{");
    const stored = ((key: string) => (key === "component#mailer" ? broken : undefined)) as Parameters<
      typeof applyEdit
    >[1];
    expect(applyEdit(remove, stored, ["mailer"], now)).toEqual([
      { key: "component#mailer", before: broken, after: null },
    ]);
    expect(() => applyEdit(change, stored, ["mailer"], now)).toThrow("is broken");
    expect(apply(remove)).toMatchObject([{ key: "component#mailer", after: null }]);
  });

  it("a component whose rollout or route is changed is looked at with the cohorts that the route needs", () => {
    const route = { cohort: "staff", alias: "beta" };
    const keys = (change: (RoutingEdit & { kind: "change component" })["change"]) =>
      keysOf({ kind: "change component", component: "mailer", change });
    expect(keys({ set: "cohort route", route })).toEqual(["component#mailer", "settings#cohorts"]);
    expect(keys({ remove: "rollout" })).toEqual(["component#mailer"]);
  });
});

describe("the directory", () => {
  it("is told of a project's customer and a customer's plan, and forgets them, with the row that says nothing more", () => {
    const rows = {
      "project#p": aSubjectRow({ customer: "acme" }),
      "customer#acme": aSubjectRow({ plan: "paid", cohorts: ["staff"] }),
    };
    expect(apply({ kind: "set customer", project: "p", customer: "globex" }, rows)).toMatchObject([
      { key: "project#p", after: { customer: "globex" } },
    ]);
    expect(apply({ kind: "set customer", project: "p", customer: null }, rows)).toMatchObject([{ after: null }]);
    expect(apply({ kind: "set plan", customer: "acme", plan: null }, rows)).toMatchObject([
      { after: { pins: {}, cohorts: ["staff"] } },
    ]);
    expect(apply({ kind: "set plan", customer: "acme", plan: "paid" }, rows)).toEqual([]);
  });
});

it("a pin that differs in any one thing is another pin", () => {
  const until = "2026-12-01T00:00:00.000Z";
  const stood = aPin({ alias: "beta", successor: "stable", from: at, until, why: "a reason" });
  const rows = { "customer#acme": aSubjectRow({ pins: { mailer: stood } }) };
  expect(
    apply({ kind: "pin", level: "customer", id: "acme", component: "mailer", pin: { ...stood, who: "bob" } }, rows),
  ).toEqual([]);
  for (const about of [
    { alias: "experimental" },
    { successor: "experimental" },
    { from: past },
    { until: "2026-12-02T00:00:00.000Z" },
    { why: "x" },
  ]) {
    const wanted = { ...stood, ...about, ...("from" in about && { from: "2026-11-20T10:00:01.000Z" }) };
    expect(apply({ kind: "pin", level: "customer", id: "acme", component: "mailer", pin: wanted }, rows)).toHaveLength(
      1,
    );
  }
});
