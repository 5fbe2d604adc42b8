import { expect, it } from "vitest";
import { rememberedAliases } from "../../shared/versions/remembered-aliases.ts";

/** A catalog that counts how often it is asked, and a clock. */
function aCatalog() {
  let asked = 0;
  let nowMs = 0;
  let fails = false;
  const aliases = async (component: string) => {
    asked += 1;
    if (fails) throw new Error("throttled");
    return [{ alias: component, version: String(asked) }];
  };
  const remembered = rememberedAliases({ aliases }, 1_000, () => new Date(nowMs));
  return {
    versionOf: async (component: string) => (await remembered.aliases(component))[0]?.version,
    pass: (ms: number) => {
      nowMs += ms;
    },
    fail: (failing: boolean) => {
      fails = failing;
    },
  };
}

it("An answer holds for its time, for each component by itself", async () => {
  const { versionOf, pass } = aCatalog();
  expect(await Promise.all([versionOf("a"), versionOf("a"), versionOf("b")])).toEqual(["1", "1", "2"]);
  pass(999);
  expect(await versionOf("a")).toBe("1");
  pass(1);
  expect(await versionOf("a")).toBe("3");
});

it("A failure isn't remembered", async () => {
  const { versionOf, fail } = aCatalog();
  fail(true);
  await expect(versionOf("a")).rejects.toThrow("throttled");
  fail(false);
  expect(await versionOf("a")).toBe("2");
});
