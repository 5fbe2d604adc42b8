import { describe, expect, it } from "vitest";
import { judgedKind, knownVersion } from "../../../shared/flows/change/known-version.ts";
import { someAliases } from "../../support/alias-moves.ts";

const stable = { component: "mailer", alias: "stable" };

/** The alias stable, moved from version 1 to 2, 3 and 4. */
async function movedThrice() {
  const aliases = someAliases();
  for (const [from, to] of [
    ["1", "2"],
    ["2", "3"],
    ["3", "4"],
  ] as const)
    await aliases.move(from, to);
  return aliases;
}

describe("a version that a move goes to", () => {
  it.each(["1", "2", "3"])("is known where the log shows it behind the alias (%s)", async (to) => {
    const { table } = await movedThrice();
    expect(await knownVersion(table, { ...stable, from: "4", to })).toBe("shown");
  });

  it("is known by moves of long ago", async () => {
    const { table, change } = await movedThrice();
    for (let n = 0; n < 250; n++) await change({ kind: "set plan", customer: `customer-${n}`, plan: "paid" });
    expect(await knownVersion(table, { ...stable, from: "4", to: "1" })).toBe("shown");
  });

  it("isn't known by moves of another alias, nor by those that were given up", async () => {
    const { table, move } = await movedThrice();
    await move(null, "5", { move: { component: "mailer", alias: "beta", from: null, to: "5" } });
    await expect(move("4", "9")).rejects.toThrow();
    for (const to of ["5", "9"]) expect(await knownVersion(table, { ...stable, from: "4", to })).toBe("untold");
  });

  it("was never there if the log has all that was ever done to the alias", async () => {
    const { table, move } = someAliases();
    const beta = { component: "mailer", alias: "beta" };
    await move(null, "2", { move: { ...beta, from: null, to: "2" } });
    expect(await knownVersion(table, { ...beta, from: "2", to: "3" })).toBe("never");
  });
});

describe("a move", () => {
  it("is judged as a rollback only if it goes to a version that is known", async () => {
    const { table } = await movedThrice();
    const move = (to: string) => ({ ...stable, from: "4", to });
    expect(await judgedKind(table, move("2"), "rollback")).toBe("rollback");
    expect(await judgedKind(table, move("5"), "rollback")).toBe("set");
    expect(await judgedKind(table, move("2"), "promote")).toBe("promote");
  });
});
