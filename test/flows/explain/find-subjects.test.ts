import { describe, expect, it } from "vitest";
import { membersOf, notInDirectory, pinnedTo } from "../../../shared/flows/explain/find-subjects.ts";
import { aPin, aSubjectRow } from "../../support/builders.ts";
import { aRouter, T0 } from "../../support/router.ts";

const before = new Date(T0.getTime() - 1).toISOString();
const after = new Date(T0.getTime() + 1).toISOString();
const pinned = (about: Parameters<typeof aPin>[0]) => aSubjectRow({ pins: { mailer: aPin(about) } });

describe("the members of a cohort", () => {
  it("are the subjects whose rows say so, whatever else can't be read", async () => {
    const staff = aSubjectRow({ cohorts: ["early", "staff"] });
    const rows = {
      "project#site": staff,
      "customer#acme": staff,
      "customer#damaged": staff,
      "customer#globex": aSubjectRow({ cohorts: ["early"] }),
      "plan#paid": aSubjectRow(),
    } as const;
    const { table, damage } = await aRouter({ rows });
    damage("customer#damaged", "{");
    expect((await Array.fromAsync(membersOf(table, "staff"))).sort()).toEqual(["customer#acme", "project#site"]);
  });
});

describe("a subject", () => {
  it("is in the directory by a row of its own, or as somebody's customer or plan", async () => {
    const rows = {
      "project#site": aSubjectRow({ customer: "acme" }),
      "customer#globex": aSubjectRow({ plan: "paid" }),
    } as const;
    const { table } = await aRouter({ rows });
    const known = ["project#site", "customer#globex", "customer#acme", "plan#paid"] as const;
    const unknown = ["customer#acne", "plan#free", "project#acme"] as const;
    expect(await notInDirectory(table, [...known, ...unknown])).toEqual(unknown);
    expect(await notInDirectory(table, known)).toEqual([]);
  });

  it("that is a user is no matter of the directory, which has none", async () => {
    const { table } = await aRouter({ rows: {} });
    expect(await notInDirectory(table, ["user#ann", "project#site"])).toEqual(["project#site"]);
  });
});

describe("whoever is pinned to an alias", () => {
  it("is there by a pin that goes to it, will go to it, or has it as its successor, until the pin runs out", async () => {
    const rows = {
      "project#now": pinned({}),
      "project#later": pinned({ from: after, until: after }),
      "project#over": pinned({ until: before }),
      "customer#followed": pinned({ alias: "retired", successor: "beta" }),
      "customer#elsewhere": pinned({ alias: "stable" }),
      "customer#other-component": aSubjectRow({ pins: { printer: aPin() } }),
      "plan#paid": pinned({ until: after }),
    } as const;
    const { table } = await aRouter({ rows });
    const found = await Array.fromAsync(pinnedTo(table, "mailer", "beta", T0));
    expect(found.sort()).toEqual(["customer#followed", "plan#paid", "project#later", "project#now"]);
  });
});
