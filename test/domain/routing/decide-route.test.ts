import { describe, expect, it } from "vitest";
import { type Because, type DecisionInput, decideRoute } from "../../../shared/domain/routing/decide-route.ts";
import type { Rollout } from "../../../shared/domain/routing/rollout.ts";
import type { SubjectRow } from "../../../shared/domain/routing/subject-rows.ts";
import type { SubjectKey } from "../../../shared/domain/subject.ts";
import { type AboutComponent, aComponent, aPin, rowsOf } from "../../support/builders.ts";

const now = new Date("2026-11-20T12:00:00.000Z");
const earlier = "2026-11-20T10:00:00.000Z";
const later = "2026-11-20T14:00:00.000Z";

type About = Partial<Omit<DecisionInput, "component" | "rowOf">> & {
  component?: AboutComponent;
  rows?: { [key in SubjectKey]?: Partial<SubjectRow> };
};

function decide({ component, rows, ...about }: About = {}) {
  return decideRoute({ component: aComponent(component), subject: {}, rowOf: rowsOf(rows), now, ...about });
}

const pinned = (alias: string, component = "release-coordinator") => ({ pins: { [component]: aPin({ alias }) } });
const rollout = (about: Partial<Rollout> = {}): Rollout => ({
  alias: "beta",
  basisPoints: 500,
  by: "customer",
  salt: "salt",
  ...about,
});

describe("the order of rules", () => {
  const rules: [because: Because, alias: string][] = [
    ["replay destination", "by-replay"],
    ["user pin", "by-user"],
    ["project pin", "by-project"],
    ["customer pin", "by-customer"],
    ["cohort route", "by-cohort"],
    ["plan pin", "by-plan"],
    ["rollout", "by-rollout"],
    ["default alias", "by-default"],
  ];
  const everySetOfRules = Array.from({ length: 2 ** 7 }, (_, bits) =>
    rules.filter((_rule, index) => index === 7 || (bits & (2 ** index)) !== 0).map(([because]) => because),
  );

  function decideBy(set: readonly Because[], trace: boolean) {
    const has = (because: Because) => set.includes(because);
    return decide({
      subject: { user: "ada", project: "acme/site", customer: "acme", plan: "paid" },
      component: {
        aliases: rules.map(([, alias]) => alias),
        defaultAlias: "by-default",
        fallbackAlias: "by-default",
        cohortRoutes: [{ cohort: "staff", alias: "by-cohort" }],
        rollout: rollout({ alias: "by-rollout", basisPoints: has("rollout") ? 10_000 : 0 }),
      },
      rows: {
        ...(has("user pin") && { "user#ada": pinned("by-user") }),
        ...(has("project pin") && { "project#acme/site": pinned("by-project") }),
        "customer#acme": {
          ...(has("customer pin") && pinned("by-customer")),
          cohorts: has("cohort route") ? ["staff"] : [],
        },
        ...(has("plan pin") && { "plan#paid": pinned("by-plan") }),
      },
      ...(has("replay destination") && { replayDestination: "by-replay" }),
      trace,
    });
  }

  it.each(everySetOfRules)("%s: the first wins, and every rule before it was passed over", (...set: Because[]) => {
    const first = rules.findIndex(([because]) => set.includes(because));
    const [because, alias] = rules[first] ?? [];
    const decision = decideBy(set, true);
    expect(decision).toMatchObject({ because, alias, fallback: false });
    expect(decision.passedOver.map(({ rule }) => rule)).toEqual(rules.slice(0, first).map(([rule]) => rule));
    expect(decideBy(set, true)).toStrictEqual(decision);
    expect(decideBy(set, false)).toMatchObject({ because, alias, fallback: false, passedOver: [] });
  });

  it("takes cohort routes in the component's own order, not the subject's", () => {
    const cohortRoutes = [
      { cohort: "design-partners", alias: "experimental" },
      { cohort: "staff", alias: "beta" },
    ];
    const component = { aliases: ["stable", "beta", "experimental"], cohortRoutes };
    const of = (...cohorts: string[]) =>
      decide({ component, subject: { customer: "acme" }, rows: { "customer#acme": { cohorts } } }).alias;
    expect(of("staff", "design-partners")).toBe("experimental");
    expect(of("staff")).toBe("beta");
    expect(of()).toBe("stable");
  });

  it("finds a cohort's members among users, projects and customers", () => {
    const component = { cohortRoutes: [{ cohort: "staff", alias: "beta" }] };
    const subject = { user: "ada", project: "acme/site", customer: "acme" };
    const staff = { cohorts: ["staff"] };
    const aliasWith = (rows: About["rows"]) => decide({ component, subject, ...(rows && { rows }) }).alias;
    expect(aliasWith({ "user#ada": staff })).toBe("beta");
    expect(aliasWith({ "user#grace": staff })).toBe("stable");
    expect(aliasWith({ "project#acme/site": staff })).toBe("beta");
    expect(aliasWith({ "customer#acme": staff })).toBe("beta");
    expect(aliasWith({ "project#acme/site": {}, "customer#acme": staff })).toBe("beta");
    expect(aliasWith({ "project#acme/site": {}, "customer#globex": staff })).toBe("stable");
  });
});

describe("the rule that won, in words", () => {
  it.each<[string, About]>([
    ["the replay's destination", { replayDestination: "beta" }],
    [
      "project acme/site pinned by ada: trying it",
      { subject: { project: "acme/site" }, rows: { "project#acme/site": pinned("beta") } },
    ],
    ["plan paid pinned by ada: trying it", { subject: { plan: "paid" }, rows: { "plan#paid": pinned("beta") } }],
    [
      "cohort staff",
      {
        subject: { customer: "acme" },
        component: { cohortRoutes: [{ cohort: "staff", alias: "beta" }] },
        rows: { "customer#acme": { cohorts: ["staff"] } },
      },
    ],
    [
      "12.5 % of users",
      { subject: { user: "user-1" }, component: { rollout: rollout({ basisPoints: 1_250, by: "user" }) } },
    ],
    ["default of release-coordinator", {}],
  ])("is: %s", (rule, about) => {
    expect(decide(about).rule).toBe(rule);
  });
});

describe("why a rule was passed over", () => {
  const everyone = { project: "acme/site", customer: "customer-42", plan: "paid", user: "ada" };

  const whyNot = (rule: string, about: About) =>
    decide({ subject: everyone, ...about })
      .passedOver.filter((passed) => passed.rule === rule)
      .map(({ why }) => why);

  const until = (time: string) => ({ pins: { "release-coordinator": aPin({ until: time }) } });
  const from = (time: string) => ({ pins: { "release-coordinator": aPin({ from: time }) } });
  const route = { cohort: "staff", alias: "beta" };
  const staff = { "customer#customer-42": { cohorts: ["staff"] } };

  it.each<[string, string[], About]>([
    ["replay destination", ["no replay destination"], {}],
    ["user pin", ["no pin"], {}],
    ["user pin", ["the event has no user"], { subject: { customer: "acme" } }],
    ["user pin", [`expired ${earlier}`], { rows: { "user#ada": until(earlier) } }],
    ["project pin", ["no pin"], {}],
    ["project pin", ["no pin"], { rows: { "project#acme/site": pinned("beta", "mailer") } }],
    ["project pin", ["the event has no project"], { subject: {} }],
    ["customer pin", ["no pin"], { rows: { "customer#globex": pinned("beta") } }],
    ["customer pin", [`expired ${earlier}`], { rows: { "customer#customer-42": until(earlier) } }],
    ["customer pin", [`starts ${later}`], { rows: { "customer#customer-42": from(later) } }],
    ["customer pin", ["the event has no customer"], { subject: { project: "acme/site" } }],
    ["plan pin", [`expired ${now.toISOString()}`], { rows: { "plan#paid": until(now.toISOString()) } }],
    ["plan pin", ["the event has no plan"], { subject: { customer: "acme" } }],
    ["cohort route", ["the component has no cohort routes"], {}],
    ["cohort route", ["staff: not a member"], { component: { cohortRoutes: [route] } }],
    [
      "cohort route",
      ["partners: not a member", `staff: expired ${earlier}`, `staff: starts ${later}`],
      {
        component: {
          cohortRoutes: [
            { cohort: "partners", alias: "beta" },
            { ...route, until: earlier },
            { ...route, from: later },
          ],
        },
        rows: staff,
      },
    ],
    ["rollout", ["the component has no rollout"], {}],
    ["rollout", ["outside the share: bucket 9080 ≥ 500"], { component: { rollout: rollout() } }],
    ["rollout", ["outside the share: bucket 9080 ≥ 9080"], { component: { rollout: rollout({ basisPoints: 9_080 }) } }],
    ["rollout", [], { component: { rollout: rollout({ basisPoints: 9_081 }) } }],
    [
      "rollout",
      ["the event has no customer, which the rollout is keyed by"],
      { component: { rollout: rollout() }, subject: { project: "acme/site" } },
    ],
    [
      "rollout",
      ["the event has no user, which the rollout is keyed by"],
      { component: { rollout: rollout({ by: "user", basisPoints: 10_000 }) }, subject: { customer: "acme" } },
    ],
    ["rollout", [`expired ${earlier}`], { component: { rollout: rollout({ until: earlier, basisPoints: 10_000 }) } }],
    ["rollout", [`starts ${later}`], { component: { rollout: rollout({ from: later, basisPoints: 10_000 }) } }],
    [
      "alias in the event",
      ["an event can't choose its alias: 'experimental' ignored"],
      { ignoredAlias: "experimental" },
    ],
    ["alias in the event", [], {}],
  ])("%s: %j", (rule, why, about) => {
    expect(whyNot(rule, about)).toEqual(why);
  });

  it("is told in the order in which the rules were looked at", () => {
    const component = { cohortRoutes: [route, { ...route, cohort: "partners" }], rollout: rollout() };
    expect(decide({ subject: everyone, component, ignoredAlias: "beta" }).passedOver.map(({ rule }) => rule)).toEqual([
      "alias in the event",
      "replay destination",
      "user pin",
      "project pin",
      "customer pin",
      "cohort route",
      "cohort route",
      "plan pin",
      "rollout",
    ]);
  });
});

describe("an alias that an event asks for", () => {
  it("is never obeyed", () => {
    expect(decide({ ignoredAlias: "beta" })).toMatchObject({ alias: "stable", because: "default alias" });
  });
});

describe("the fallback", () => {
  const subject = { customer: "acme" };
  const aliases = {
    stable: { target: { kind: "worker" as const } },
    beta: { target: { kind: "worker" as const } },
    old: { target: { kind: "worker" as const }, retired: true },
  };

  it.each(["gone", "old", "constructor", "toString", "__proto__", ""])("is taken for a pin to '%s'", (alias) => {
    expect(decide({ component: { aliases }, subject, rows: { "customer#acme": pinned(alias) } })).toMatchObject({
      alias: "stable",
      because: "customer pin",
      fallback: true,
      named: alias,
    });
  });

  it.each<[Because, About]>([
    ["replay destination", { replayDestination: "gone" }],
    [
      "cohort route",
      {
        component: { cohortRoutes: [{ cohort: "staff", alias: "gone" }] },
        rows: { "customer#acme": { cohorts: ["staff"] } },
      },
    ],
    ["rollout", { component: { rollout: rollout({ alias: "gone", basisPoints: 10_000 }) } }],
    ["default alias", { component: { defaultAlias: "gone" } }],
  ])("is taken for a %s to an alias that isn't there, with the trace on and off", (because, about) => {
    const component = { fallbackAlias: "beta", ...about.component };
    for (const trace of [true, false]) {
      expect(decide({ ...about, component, subject, trace })).toMatchObject({
        alias: "beta",
        because,
        fallback: true,
        named: "gone",
      });
    }
  });

  it("isn't marked when a rule names the fallback alias itself", () => {
    const decision = decide({ subject, rows: { "customer#acme": pinned("stable") } });
    expect(decision).toMatchObject({ alias: "stable", fallback: false });
    expect(decision).not.toHaveProperty("named");
  });
});

describe("names that every object has", () => {
  it.each(["constructor", "toString", "valueOf", "hasOwnProperty"])(
    "a component named %s has no pins of its own",
    (name) => {
      const subject = { project: name, customer: name, plan: name };
      expect(decide({ component: { name }, subject, rows: { [`customer#${name}`]: {} } })).toMatchObject({
        alias: "stable",
        because: "default alias",
      });
      expect(
        decide({ component: { name }, subject, rows: { [`customer#${name}`]: pinned("beta", name) } }),
      ).toMatchObject({
        alias: "beta",
        because: "customer pin",
      });
    },
  );

  it("an alias named constructor is an alias like others once it is there", () => {
    const component = { aliases: ["stable", "constructor"] };
    expect(
      decide({ component, subject: { plan: "paid" }, rows: { "plan#paid": pinned("constructor") } }),
    ).toMatchObject({
      alias: "constructor",
      fallback: false,
    });
  });
});

describe("a rule that leads to a laptop", () => {
  const aliases = { stable: { target: { kind: "worker" } }, "laptop-ada": { target: { kind: "laptop" } } } as const;
  const lease = { component: "release-coordinator", alias: "laptop-ada", session: "a", owner: "ada on one", lock: 1 };
  const rows = { "customer#acme": pinned("laptop-ada"), "plan#paid": pinned("stable") };
  const about = { component: { aliases }, subject: { customer: "acme", plan: "paid" }, rows };

  it("wins while its lease is live, and where nobody says how it stands", () => {
    const live = { ...lease, until: later };
    for (const leaseOf of [() => live, undefined]) {
      expect(decide({ ...about, leaseOf })).toMatchObject({ alias: "laptop-ada", fallback: false });
    }
  });

  it("goes to the fallback when it isn't, and says why, with the trace off too", () => {
    const lapsed = { ...lease, until: earlier };
    for (const trace of [true, false]) {
      const decision = decide({ ...about, trace, leaseOf: () => lapsed });
      expect(decision).toMatchObject({ alias: "stable", because: "customer pin", fallback: true, named: "laptop-ada" });
      expect(decision.passedOver.at(-1)).toEqual({ rule: "customer pin", why: "laptop lease lapsed 10:00:00" });
    }
    const ended = decide({ ...about, leaseOf: () => ({ ...lease, until: earlier, ended: true }) });
    expect(ended.passedOver.at(-1)?.why).toBe("laptop handed back 10:00:00");
    expect(decide({ ...about, leaseOf: () => undefined }).passedOver.at(-1)?.why).toBe("no laptop listens");
  });

  it("goes on to the pin's successor, unless that is another laptop that isn't there", () => {
    const both = {
      ...aliases,
      beta: { target: { kind: "worker" } },
      "laptop-bob": { target: { kind: "laptop" } },
    } as const;
    const on = (successor: string) =>
      decide({
        component: { aliases: both },
        subject: { customer: "acme" },
        rows: { "customer#acme": { pins: { "release-coordinator": aPin({ alias: "laptop-ada", successor }) } } },
        leaseOf: () => undefined,
      });
    expect(on("beta")).toMatchObject({ alias: "beta", fallback: true, named: "laptop-ada" });
    expect(on("laptop-bob")).toMatchObject({ alias: "stable", fallback: true });
  });

  it("is asked of the component and the alias that it names, and of no other", () => {
    const asked: string[][] = [];
    decide({ ...about, leaseOf: (...of) => void asked.push(of) });
    decide({ leaseOf: (...of) => void asked.push(of) });
    expect(asked).toEqual([["release-coordinator", "laptop-ada"]]);
  });
});
