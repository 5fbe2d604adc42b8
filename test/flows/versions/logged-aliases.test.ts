import { expect, it } from "vitest";
import { loggedAliases, standingOf } from "../../../shared/flows/versions/logged-aliases.ts";
import { someAliases } from "../../support/alias-moves.ts";

const stable = { component: "mailer", alias: "stable" };

/** How stable stands, and the rest to move it. */
async function moved() {
  const aliases = someAliases();
  const standing = async () => {
    const logged = await loggedAliases(aliases.table, [stable]);
    const version = aliases.stable();
    const target = version === null ? undefined : { alias: "stable", version };
    return standingOf(logged.get("mailer stable") ?? {}, target).kind;
  };
  return { ...aliases, standing };
}

it("An alias that Turnout has never moved is nobody's drift", async () => {
  const { standing, point } = await moved();
  expect(await standing()).toBe("never moved");
  point("4");
  expect(await standing()).toBe("never moved");
});

it("An alias stands as logged until somebody else moves it, and again once it is put back", async () => {
  const { standing, move, point } = await moved();
  await move("1", "2");
  expect(await standing()).toBe("as logged");
  point("4");
  expect(await standing()).toBe("drifted");
  await move("4", "2");
  expect(await standing()).toBe("as logged");
});

it.each(["before", "after"] as const)(
  "A move that died %s the alias was moved is under way, and no drift",
  async (when) => {
    const { standing, die, finish } = await moved();
    await die(when, "1", "2");
    expect(await standing()).toBe("under way");
    await finish(120);
    expect(await standing()).toBe("as logged");
  },
);

it("A move that was given up is neither under way nor where the alias should be", async () => {
  const { standing, move } = await moved();
  await expect(move("1", "9")).rejects.toThrow("No version '9'");
  expect(await standing()).toBe("never moved");
  await move("1", "2");
  await expect(move("2", "9")).rejects.toThrow("No version '9'");
  expect(await standing()).toBe("as logged");
});

it("An alias stands by its own last move, whatever was logged of others", async () => {
  const { move, table } = await moved();
  const beta = { component: "mailer", alias: "beta" };
  await move(null, "3", { move: { ...beta, from: null, to: "3" } });
  await move("1", "2");
  await move("2", "4");
  await move(null, "5", { move: { component: "mailer", alias: "next", from: null, to: "5" } });
  const logged = await loggedAliases(table, [stable, beta]);
  expect([...logged.values()].map(({ settled, open }) => [settled?.move.to, open])).toEqual([
    ["4", undefined],
    ["3", undefined],
  ]);
});

it("Aliases' last moves are found without reading the log beyond them", async () => {
  const { move, table, change } = await moved();
  for (let n = 0; n < 400; n++) await change({ kind: "set plan", customer: `customer-${n}`, plan: "paid" });
  await move("1", "2");
  const read: number[] = [];
  const changesAfter: typeof table.changesAfter = (after, limit) => {
    read.push(limit);
    return table.changesAfter(after, limit);
  };
  const logged = await loggedAliases({ head: table.head, changesAfter }, [stable]);
  expect(logged.get("mailer stable")?.settled?.move.to).toBe("2");
  expect(read).toEqual([200]);
});

it("An alias that somebody moved while a move is under way has drifted", async () => {
  const { standing, move, die, point } = await moved();
  await move("1", "2");
  await die("before", "2", "3");
  point("5");
  expect(await standing()).toBe("drifted");
});

it("How an alias has drifted is told: to where it points, that it is gone, or by what it is shared out", async () => {
  const { move, table } = await moved();
  await move("1", "2");
  const logged = (await loggedAliases(table, [stable])).get("mailer stable") ?? {};
  const at = (version: string, alsoTo?: Record<string, number>) =>
    standingOf(logged, { alias: "stable", version, ...(alsoTo && { alsoTo }) });
  expect(at("4")).toEqual({ kind: "drifted", text: "points at version 4, and revision 2 by ada has it at 2" });
  expect(standingOf(logged, undefined)).toEqual({
    kind: "drifted",
    text: "is gone, and revision 2 by ada has it at 2",
  });
  expect(at("2", { "3": 0.25 })).toEqual({ kind: "drifted", text: "points at version 2, and 25 % to version 3" });
  expect([standingOf({}, undefined).kind, standingOf({}, { alias: "stable", version: "1" }).kind]).toEqual([
    "nowhere",
    "never moved",
  ]);
});
