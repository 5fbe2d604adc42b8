import { describe, expect, it } from "vitest";
import { stepsOf } from "../../../shared/domain/routing/edit-steps.ts";
import { whoIsOn } from "../../../shared/flows/explain/who-is-on.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aRoutingTable } from "../../support/routing-table.ts";

const now = new Date("2026-11-20T12:00:00.000Z");
const toBeta = { pins: { mailer: aPin() } };

describe("who is on an alias", () => {
  it("names everybody of the directory and everybody pinned, each with the rule that sends them there", async () => {
    const { table, change } = aRoutingTable();
    await change({
      kind: "put rows",
      rows: [
        { key: "component#mailer", row: aComponent({ name: "mailer", aliases: ["stable", "beta", "next"] }) },
        { key: "customer#acme", row: aSubjectRow({ plan: "paid" }) },
        { key: "customer#globex", row: aSubjectRow({ pins: { mailer: aPin({ alias: "stable" }) }, plan: "paid" }) },
        { key: "customer#first", row: aSubjectRow({ pins: { mailer: aPin({ alias: "next" }) } }) },
        { key: "plan#paid", row: aSubjectRow(toBeta) },
        { key: "user#ada", row: aSubjectRow(toBeta) },
        { key: "user#grace", row: aSubjectRow({ cohorts: ["staff"] }) },
        { key: "project#p-1", row: aSubjectRow({ customer: "acme" }) },
        { key: "project#p-2", row: aSubjectRow({ customer: "globex", ...toBeta }) },
        { key: "project#p-3", row: aSubjectRow({ pins: { mailer: aPin({ alias: "gone", successor: "beta" }) } }) },
      ],
    });
    const on = async (alias: string) =>
      (await Array.fromAsync(whoIsOn(table, "mailer", alias, now)))
        .flat()
        .map(({ subject, decision }) => `${Object.values(subject).join(" ") || "nobody"}: ${decision.because}`);
    expect(await on("beta")).toEqual([
      "paid: plan pin",
      "acme paid: plan pin",
      "p-1 acme paid: plan pin",
      "p-2 globex paid: project pin",
      "p-3: project pin",
      "ada: user pin",
    ]);
    expect(await on("stable")).toEqual(["nobody: default alias", "globex paid: customer pin", "grace: default alias"]);
    expect(await on("next")).toEqual(["first: customer pin"]);
    expect(await Array.fromAsync(whoIsOn(table, "another", "beta", now))).toEqual([]);
  });

  it("names whoever's events a laptop gets only while it listens", async () => {
    const { table, change } = aRoutingTable();
    const aliases = { stable: { target: { kind: "worker" } }, "laptop-ada": { target: { kind: "laptop" } } } as const;
    const acme = aSubjectRow({ pins: { mailer: aPin({ alias: "laptop-ada" }) } });
    const mailer = aComponent({ name: "mailer", aliases });
    await change({
      kind: "put rows",
      rows: [
        { key: "component#mailer", row: mailer },
        { key: "customer#acme", row: acme },
      ],
    });
    const until = new Date(now.getTime() + 1).toISOString();
    const lease = { component: "mailer", alias: "laptop-ada", session: "s", owner: "ada on one", until, lock: 1 };
    const on = async (leases?: Parameters<typeof whoIsOn>[4]) =>
      (await Array.fromAsync(whoIsOn(table, "mailer", "laptop-ada", now, leases))).flat().map(({ subject }) => subject);
    expect(await on({ readLeases: async () => [lease] })).toEqual([{ customer: "acme" }]);
    expect(await on({ readLeases: async () => [] })).toEqual([]);
    // Nobody knows of another time how leases stood.
    expect(await on()).toEqual([{ customer: "acme" }]);
  });

  it("comes page by page on a directory of thousands, complete", async () => {
    const { table, change } = aRoutingTable();
    const row = aSubjectRow({ customer: "acme" });
    const projects = Array.from({ length: 1_300 }, (_, n) => ({ key: `project#p-${n}` as const, row }));
    const rows = [{ key: "component#mailer" as const, row: aComponent({ name: "mailer" }) }, ...projects];
    for (const edit of stepsOf({ kind: "put rows", rows })) await change(edit);
    const pages = (await Array.fromAsync(whoIsOn(table, "mailer", "stable", now))).map((page) => page.length);
    expect(pages).toEqual([500, 500, 301]);
  });
});
