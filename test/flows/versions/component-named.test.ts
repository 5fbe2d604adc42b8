import { expect, it } from "vitest";
import { versionBehind } from "../../../shared/flows/versions/component-named.ts";
import { aComponent } from "../../support/builders.ts";

const mailer = aComponent({
  name: "mailer",
  aliases: {
    stable: { target: { kind: "worker" } },
    beta: { target: { kind: "worker" } },
    old: { target: { kind: "worker" }, retired: true },
    mine: { target: { kind: "laptop" } },
    preview: { target: { kind: "http", url: "https://preview.example.com", format: "published" } },
  },
});

/** The version behind an alias, of which the catalog says this. */
function behind(alias: string, ...known: { alias: string; version: string; alsoTo?: Record<string, number> }[]) {
  return versionBehind({ aliases: async () => known }, mailer, alias);
}

it("behind an alias is the version that the catalog says, and none where it says nothing of it", async () => {
  expect(await behind("stable", { alias: "beta", version: "2" }, { alias: "stable", version: "1" })).toBe("1");
  expect(await behind("stable", { alias: "beta", version: "2", alsoTo: { "3": 0.1 } })).toBeNull();
});

it.each([
  ["gone", "not found", "No alias 'gone'"],
  ["old", "not allowed", "retired"],
  ["mine", "not allowed", "mine of mailer is somebody's laptop"],
  ["preview", "not allowed", "preview of mailer stands for a "],
])("behind the alias %s is no version: %s, %s", async (alias, kind, message) => {
  const error = await behind(alias, { alias, version: "1" }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ kind, message: expect.stringContaining(message) });
});

it("an alias that somebody shares out without Turnout is theirs, and it is said how", async () => {
  const shared = behind("stable", { alias: "stable", version: "1", alsoTo: { "2": 0.1 } });
  await expect(shared).rejects.toMatchObject({ kind: "conflict", remedies: [{ operation: "end sharing out" }] });
  await expect(shared).rejects.toThrow("points at version 1, and gives 10 % of its events to version 2");
});
