import { describe, expect, it } from "vitest";
import { runHere } from "../support/cli-in-process.ts";
import { aRoutedCli, undoIn } from "../support/cli-process.ts";

const why = ["--reason", "a test", "--yes"];
const rc = "release-coordinator";

describe("turnout rollout", () => {
  const set = (...args: string[]) => ["rollout", "set", rc, "--to", "beta", "--by", "customer", ...args, ...why];

  it("draws its salt once, keeps it until it is reshuffled, and can be taken back", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    const rollout = async () => (await json(["rollout", "show", rc]))[0]?.rollout as Record<string, unknown> | null;
    const first = await turnout(set("--share", "0.25%"));
    expect(first).toMatchObject({ code: 0, stdout: `revision 3: send 0.25% of ${rc}'s customers to beta\n` });
    const { salt } = (await rollout()) ?? {};
    expect(await rollout()).toMatchObject({ alias: "beta", share: "0.25%", basis_points: 25, by: "customer" });
    expect(await turnout(set("--share", "100%"))).toMatchObject({ code: 0 });
    expect(await rollout()).toMatchObject({ basis_points: 10_000, salt });
    expect((await turnout(["rollout", "show", rc])).stdout).toBe("100% of customers to beta\n");
    const reshuffled = await turnout(set("--share", "100%", "--reshuffle"));
    expect((await rollout())?.salt).not.toBe(salt);
    expect(await shell(`${undoIn(reshuffled)} --yes`)).toMatchObject({ code: 0 });
    expect((await rollout())?.salt).toBe(salt);
    expect(await turnout(["rollout", "remove", rc, ...why])).toMatchObject({ code: 0 });
    expect(await rollout()).toBe(null);
  });

  it.each([
    ["a share over 100 %", set("--share", "100.01%"), 2, "at most 100%"],
    ["a share without a percent sign", set("--share", "5"), 2, "such as 5%"],
    ["an end in the past", set("--share", "5%", "--until", "2026-01-01"), 4, "expired already"],
    [
      "an unknown alias",
      ["rollout", "set", rc, "--to", "x", "--by", "user", "--share", "5%", ...why],
      3,
      "No alias 'x'",
    ],
    [
      "plans",
      ["rollout", "set", rc, "--to", "beta", "--by", "plan", "--share", "5%", ...why],
      2,
      "project, customer, user",
    ],
    ["nothing to remove", ["rollout", "remove", rc, ...why], 3, "has no rollout"],
    ["an unknown component", ["rollout", "show", "nope"], 3, "No component 'nope'"],
  ])("refuses %s", async (_, args, code, message) => {
    const refused = await runHere(args, (await aRoutedCli()).home);
    expect([refused.code, refused.stdout]).toEqual([code, ""]);
    expect(refused.stderr).toContain(message);
  });
});

describe("turnout alias", () => {
  it("is added, retired with its pins going to their successor, and removed once nobody names it", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    const named = [rc, "branch-x", ...why];
    const added = await turnout(["alias", "add", ...named]);
    expect(undoIn(added)).toBe(`turnout alias remove ${rc} branch-x --reason 'undo of revision 3'`);
    const pin = ["pin", "--customer", "acme", "--component", rc, "--to", "branch-x", "--successor", "beta", ...why];
    expect(await turnout(pin)).toMatchObject({ code: 0 });
    const [refused, byRevert] = await Promise.all([
      turnout(["alias", "remove", ...named]),
      turnout(["component", "default", rc, "nope", ...why]),
    ]);
    expect(refused).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("the pins of 1 subject (customer acme)"),
    });
    expect(byRevert).toMatchObject({ code: 3 });
    const retired = await turnout(["alias", "retire", ...named]);
    expect(retired.stderr).toContain("customer acme: release-coordinator branch-x → beta");
    expect(await turnout(["pin", "--plan", "free", "--component", rc, "--to", "branch-x", ...why])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("is retired"),
    });
    const unpinned = await turnout(["unpin", "--customer", "acme", "--component", rc, ...why]);
    // The pin can't be set again, but its row can be put back.
    expect(await shell(`${undoIn(unpinned)} --yes`)).toMatchObject({ code: 0 });
    expect(await json(["pins"])).toEqual([expect.objectContaining({ alias: "branch-x" })]);
    await turnout(["unpin", "--customer", "acme", "--component", rc, ...why]);
    const removed = await turnout(["alias", "remove", ...named]);
    expect(removed.code).toBe(0);
    expect(await turnout(["alias", "remove", ...named])).toMatchObject({ code: 3 });
    expect(await shell(`${undoIn(removed)} --yes`)).toMatchObject({ code: 0 });
    expect(await shell(`${undoIn(retired)} --yes`)).toMatchObject({ code: 0 });
    const aliases = await json(["aliases", rc]);
    expect(aliases.find(({ alias }) => alias === "branch-x")).toMatchObject({ retired: false });
  });

  it("names ten of the many whose pins stand in the way", async () => {
    const { turnout, edit } = await aRoutedCli();
    const pin = { alias: "beta", who: "ada", why: "x", at: "2026-01-01T00:00:00.000Z" };
    const ids = Array.from({ length: 12 }, (_, i) => `c-${10 + i}`);
    await edit(ids.map((id) => ({ kind: "pin", level: "customer", id, component: rc, pin })));
    const refused = await turnout(["alias", "remove", rc, "beta", "--force", ...why]);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain("12 subjects (customer c-10, ");
    expect(refused.stderr).toContain("customer c-19, … and 2 more)");
  });
});

describe("turnout component default and fallback", () => {
  it("change where events go, are refused for an alias in the way, and print the opposite as undo", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    const changed = await turnout(["component", "default", rc, "beta", ...why]);
    expect(changed.stderr).toContain("everyone else: release-coordinator stable → beta");
    expect(await turnout(["alias", "retire", rc, "beta", ...why])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("it is the default alias"),
    });
    expect(await shell(`${undoIn(changed)} --yes`)).toMatchObject({ code: 0 });
    expect(await turnout(["component", "fallback", rc, "beta", ...why])).toMatchObject({ code: 0 });
    expect(await json(["component", "show", rc])).toEqual([
      expect.objectContaining({ defaultAlias: "stable", fallbackAlias: "beta" }),
    ]);
  });
});
