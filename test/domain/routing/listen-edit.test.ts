import { describe, expect, it } from "vitest";
import { Component } from "../../../shared/domain/routing/component.ts";
import type { ListenEdit } from "../../../shared/domain/routing/listen-edit.ts";
import type { RowKey, StoredRow } from "../../../shared/domain/routing/routing-change.ts";
import { applyEdit, keysOf } from "../../../shared/domain/routing/routing-edit.ts";
import { type AboutComponent, aComponent, aPin, aSubjectRow } from "../../support/builders.ts";

const now = new Date("2026-11-20T10:00:00.000Z");
const until = "2026-11-20T12:00:00.000Z";
const laptop = { target: { kind: "laptop" } } as const;
const worker = { target: { kind: "worker" } } as const;
const cohorts = { staff: { description: "us", who: "ada", at: "2026-11-01T09:00:00.000Z" } };

const edit: ListenEdit = {
  kind: "listen",
  component: "mailer",
  alias: "laptop-ada",
  subjects: ["customer#acme"],
  cohorts: [],
  until,
  who: "ada",
  why: "tries",
  at: now.toISOString(),
  heldByOthers: [],
};

function apply(about: Partial<ListenEdit>, rows: { [key in RowKey]?: StoredRow } = {}, component: AboutComponent = {}) {
  const mailer = aComponent({ name: "mailer", aliases: { stable: worker, beta: worker }, ...component });
  const known = new Map<string, StoredRow>(
    Object.entries({ "component#mailer": mailer, "settings#cohorts": cohorts, ...rows }),
  );
  const whole = { ...edit, ...about };
  const changes = applyEdit(whole, (key) => known.get(key) as never, ["mailer"], now);
  for (const { key } of changes) expect(keysOf(whole)).toContain(key);
  return new Map(changes.map(({ key, after }) => [key, after]));
}

describe("whoever listens", () => {
  it("gets an alias for a laptop, and the subjects' pins to it until then", () => {
    const rows = apply({});
    expect(rows.get("component#mailer")).toMatchObject({ aliases: { stable: worker, "laptop-ada": laptop } });
    expect(Component.safeParse(rows.get("component#mailer")).success).toBe(true);
    const pin = { alias: "laptop-ada", until, who: "ada", why: "tries", at: now.toISOString() };
    expect(rows.get("customer#acme")).toEqual(aSubjectRow({ pins: { mailer: pin } }));
  });

  it("leaves the subject, while the laptop is away, on the alias that it was pinned to", () => {
    const pinned = { "customer#acme": aSubjectRow({ pins: { mailer: aPin({ alias: "beta" }) } }) };
    expect(apply({}, pinned).get("customer#acme")).toMatchObject({ pins: { mailer: { successor: "beta" } } });
    const ended = aPin({ alias: "beta", until: now.toISOString() });
    const expired = apply({}, { "customer#acme": aSubjectRow({ pins: { mailer: ended } }) });
    expect(expired.get("customer#acme")).not.toHaveProperty("pins.mailer.successor");
  });

  it("gets a cohort's events before all other routes, whatever the cohort's own route was", () => {
    const routes = [
      { cohort: "partners", alias: "beta" },
      { cohort: "staff", alias: "beta" },
    ];
    const rows = apply({ subjects: [], cohorts: ["staff"] }, {}, { cohortRoutes: routes });
    expect(rows.get("component#mailer")).toMatchObject({
      cohortRoutes: [
        { cohort: "staff", alias: "laptop-ada", until },
        { cohort: "partners", alias: "beta" },
      ],
    });
  });

  it("is refused a subject or a cohort that another laptop listens to, by name", () => {
    const aliases = { stable: worker, "laptop-bob": laptop };
    const held = aPin({ alias: "laptop-bob", who: "bob" });
    const pinned = { "customer#acme": aSubjectRow({ pins: { mailer: held } }) };
    const heldByOthers = ["laptop-bob"];
    expect(() => apply({ heldByOthers }, pinned, { aliases })).toThrow(
      "Events of customer acme run on another laptop already: laptop-bob of mailer, by bob.",
    );
    const cohortRoutes = [{ cohort: "staff", alias: "laptop-bob" }];
    expect(() => apply({ heldByOthers, subjects: [], cohorts: ["staff"] }, {}, { aliases, cohortRoutes })).toThrow(
      "Events of cohort staff run on another laptop already: laptop-bob of mailer.",
    );
    // Nobody is there any more.
    const taken = apply({}, pinned, { aliases }).get("customer#acme");
    expect(taken).toMatchObject({ pins: { mailer: { alias: "laptop-ada" } } });
    expect(taken).not.toHaveProperty("pins.mailer.successor");
  });

  it("takes over a cohort's route to another laptop that isn't meant, or that has run out", () => {
    const aliases = { stable: worker, "laptop-bob": laptop };
    const heldByOthers = ["laptop-bob"];
    const listen = (cohortRoutes: AboutComponent["cohortRoutes"]) =>
      apply({ heldByOthers, subjects: [], cohorts: ["staff"] }, {}, { aliases, ...(cohortRoutes && { cohortRoutes }) });
    const others = { cohort: "partners", alias: "laptop-bob" };
    expect(listen([others]).get("component#mailer")).toMatchObject({
      cohortRoutes: [{ cohort: "staff", alias: "laptop-ada" }, others],
    });
    const ended = { cohort: "staff", alias: "laptop-bob", until: now.toISOString() };
    expect(listen([ended]).get("component#mailer")).toMatchObject({
      cohortRoutes: [{ cohort: "staff", alias: "laptop-ada" }],
    });
  });

  it("has a subject's own laptop, or a successor that is in use, for what it goes to while the laptop is away", () => {
    const aliases = { stable: worker, beta: worker, old: { ...worker, retired: true }, "laptop-ada": laptop };
    const successor = (pin: Parameters<typeof aPin>[0]) => {
      const rows = apply({}, { "customer#acme": aSubjectRow({ pins: { mailer: aPin(pin) } }) }, { aliases });
      return (rows.get("customer#acme") as ReturnType<typeof aSubjectRow>).pins.mailer?.successor;
    };
    expect(successor({ alias: "old", successor: "beta" })).toBe("beta");
    expect(successor({ alias: "laptop-ada", successor: "stable" })).toBe("stable");
    expect(successor({ alias: "gone", successor: "old" })).toBeUndefined();
  });

  it("looks at the register of cohorts only where it names one", () => {
    expect(keysOf(edit)).toEqual(["component#mailer", "customer#acme"]);
    expect(keysOf({ ...edit, cohorts: ["staff"] })).toEqual(["component#mailer", "customer#acme", "settings#cohorts"]);
  });

  it("is refused an alias that is something else, a cohort that isn't there, and a time that is over", () => {
    expect(() => apply({ alias: "beta" })).toThrow("Alias 'beta' of mailer is no laptop.");
    expect(() => apply({ cohorts: ["nobody"] })).toThrow("No cohort 'nobody'");
    expect(() => apply({ until: now.toISOString() })).toThrow("would have expired already");
  });
});

it("a component whose default or fallback is a laptop is refused", () => {
  const aliases = { stable: worker, "laptop-ada": laptop };
  for (const field of ["defaultAlias", "fallbackAlias"]) {
    const component = { ...aComponent({ aliases }), [field]: "laptop-ada" };
    const told = Component.safeParse(component).error?.issues.map(({ message }) => message);
    expect(told).toEqual(["alias 'laptop-ada' is somebody's laptop, which may go at any time"]);
  }
});
