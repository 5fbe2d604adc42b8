import { expect, it } from "vitest";
import { versionAt } from "../../../shared/flows/versions/version-at.ts";
import { someAliases } from "../../support/alias-moves.ts";

const unrelated = { kind: "set customer", project: "site", customer: "acme" } as const;

/** The version behind stable right after each revision of the log. */
async function versions({ table, catalog }: Pick<ReturnType<typeof someAliases>, "table" | "catalog">) {
  const head = await table.head();
  const revisions = Array.from({ length: head }, (_, n) => n + 1);
  const stable = { component: "mailer", alias: "stable" };
  return Promise.all(revisions.map((revision) => versionAt(table, catalog, stable, revision)));
}

it("An alias stood at the version of its last settled move, and before all moves where the first came from", async () => {
  const { change, move, log, ...aliases } = someAliases();
  await change(unrelated);
  await move("1", "2");
  await move("2", "3");
  expect(await log()).toEqual(["1 → 2 intended", "1 → 2 settled", "2 → 3 intended", "2 → 3 settled"]);
  expect(await versions(aliases)).toEqual(["1", "1", "2", "2", "3"]);
});

it("An alias that was never moved stood where it stands", async () => {
  const { change, ...aliases } = someAliases();
  await change(unrelated);
  expect(await versions(aliases)).toEqual(["1"]);
  aliases.point("4");
  expect(await versions(aliases)).toEqual(["4"]);
});

it.each(["before", "after"] as const)(
  "An alias whose move died %s it was moved stood where it came from until that was told",
  async (when) => {
    const { die, finish, ...aliases } = someAliases();
    await die(when, "1", "2");
    expect(await versions(aliases)).toEqual(["1"]);
    await finish(120);
    expect(await versions(aliases)).toEqual(["1", "2"]);
  },
);

it("A move that was given up leaves an alias where it stood, over more than a page of other changes", async () => {
  const { table, change, move, ...aliases } = someAliases();
  await move("1", "2");
  await expect(move("2", "9")).rejects.toThrow("No version '9'");
  for (let n = 0; n < 250; n++) {
    await change({ kind: "set customer", project: "site", customer: `acme-${n}` });
  }
  const head = await table.head();
  await move("2", "3");
  const found = await versions({ table, ...aliases });
  expect([found[head - 1], found[head], found[head + 1]]).toEqual(["2", "2", "3"]);
  expect(found[0]).toBe("1");
});
