import { describe, expect, it } from "vitest";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { explainRoute } from "../../../shared/flows/explain/explain-route.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";
import { aRouter, putRows, T0 } from "../../support/router.ts";

const mailer = aComponent({ name: "mailer" });
const pinned = aSubjectRow({ customer: "acme", pins: { mailer: aPin() } });

describe("the explanation of a route", () => {
  it("names the rule that wins, what the directory filled in, and every row that was looked at", async () => {
    const acme = aSubjectRow({ plan: "paid" });
    const rows = { "project#site": pinned, "customer#acme": acme } as const;
    const { table } = await aRouter({ components: [mailer], rows });
    expect(await explainRoute(table, "mailer", { project: "site" }, T0)).toMatchObject({
      subject: { project: "site", customer: "acme", plan: "paid" },
      decision: { alias: "beta", because: "project pin", rule: "project site pinned by ada: trying it" },
      revision: 1,
      rows: [
        { key: "component#mailer", row: mailer },
        { key: "project#site", row: pinned },
        { key: "customer#acme", row: acme },
      ],
    });
    const unpinned = await explainRoute(table, "mailer", { customer: "globex" }, T0);
    expect(unpinned?.decision.passedOver).toContainEqual({ rule: "customer pin", why: "no pin" });
    expect(unpinned?.rows.slice(1)).toEqual([{ key: "customer#globex", row: null }]);
  });

  it("obeys the newest change", async () => {
    const { table } = await aRouter({ components: [mailer], rows: { "project#site": pinned } });
    await putRows(table, { "project#site": aSubjectRow() });
    const explained = await explainRoute(table, "mailer", { project: "site" }, T0);
    expect(explained).toMatchObject({ decision: { because: "default alias" }, revision: 2 });
  });

  it("says of a subject's row what is wrong with it, and decides as if it weren't there", async () => {
    const { table, damage } = await aRouter({ components: [mailer], rows: { "customer#acme": pinned } });
    damage("customer#acme", "{");
    const explained = await explainRoute(table, "mailer", { customer: "acme" }, T0);
    const problem = expect.stringContaining("not JSON");
    expect(explained?.rows.slice(1)).toEqual([{ key: "customer#acme", row: expect.objectContaining({ problem }) }]);
    expect(explained?.rows[1]?.row).toBeInstanceOf(UnreadableRow);
    expect(explained?.decision.because).toBe("default alias");
  });

  it("is none of a component that isn't there", async () => {
    const { table } = await aRouter({ components: [mailer] });
    expect(await explainRoute(table, "printer", {}, T0)).toBeUndefined();
  });

  it("refuses a component whose row can't be read, and no other", async () => {
    const { table, damage } = await aRouter({ components: [mailer, aComponent({ name: "printer" })] });
    damage("component#mailer", "{");
    await expect(explainRoute(table, "mailer", {}, T0)).rejects.toThrow(/component 'mailer' can't be read: .*not JSON/);
    expect((await explainRoute(table, "printer", {}, T0))?.decision.alias).toBe("stable");
    expect(await explainRoute(table, "plotter", {}, T0)).toBeUndefined();
  });
});
