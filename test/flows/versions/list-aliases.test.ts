import { expect, it } from "vitest";
import { listAliases } from "../../../shared/flows/versions/list-aliases.ts";
import { aComponent, aPin } from "../../support/builders.ts";
import { memoryCatalog } from "../../support/memory-catalog.ts";
import { aRoutingTable } from "../../support/routing-table.ts";

const NOW = new Date("2026-11-20T10:00:30.000Z");

it("The list of a component's aliases says of each its version, its marks, and whose pins to it count now", async () => {
  const { table, change } = aRoutingTable();
  const component = aComponent({
    name: "mailer",
    defaultAlias: "beta",
    aliases: {
      stable: { target: { kind: "worker" } },
      beta: { target: { kind: "worker" } },
      old: { target: { kind: "worker" }, retired: true },
    },
  });
  await change({ kind: "apply component", component });
  const pins = [
    ["acme", aPin()],
    ["globex", aPin({ until: "2026-11-20T10:00:30.000Z" })],
    ["hooli", aPin({ alias: "stable" })],
  ] as const;
  for (const [id, pin] of pins) await change({ kind: "pin", level: "customer", id, component: "mailer", pin });
  await change({ kind: "pin", level: "project", id: "acme/site", component: "mailer", pin: aPin() });

  const bad = { version: "2", alias: "beta", why: "it fails", at: "2026-11-20T10:00:00.000Z" };
  await change({ kind: "change component", component: "mailer", change: { set: "bad version", bad } });
  const { catalog } = memoryCatalog({ stable: "1", beta: "2" });
  const marks = { isDefault: false, isFallback: false, isRetired: false };
  expect(await listAliases({ routingTable: table, catalog }, "mailer", NOW)).toEqual([
    { alias: "stable", version: "1", alsoTo: {}, pinned: 1, ...marks, isFallback: true },
    { alias: "beta", version: "2", alsoTo: {}, pinned: 2, ...marks, isDefault: true, bad },
    { alias: "old", version: null, alsoTo: {}, pinned: 0, ...marks, isRetired: true },
  ]);
});
