import { describe, expect, it } from "vitest";
import { runHere } from "../support/cli-in-process.ts";
import { aRoutedCli, undoIn } from "../support/cli-process.ts";

const RC = ["--component", "release-coordinator"];
const pinAcme = ["pin", "--customer", "acme", ...RC, "--to", "beta", "--reason", "acme tries it"];

describe("turnout pin", () => {
  it("says who moves, pins, and prints an undo that takes it back when it is run", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    const pinned = await turnout([...pinAcme, "--yes"]);
    expect(pinned).toMatchObject({ code: 0, stdout: "revision 3: pin customer acme of release-coordinator to beta\n" });
    expect(pinned.stderr).toContain("3 subjects of the directory would go elsewhere:");
    expect(pinned.stderr).toContain("project acme/site: release-coordinator stable → beta");
    const [pins, explained] = await Promise.all([json(["pins"]), json(["explain", ...RC, "--project", "acme/site"])]);
    expect(pins).toEqual([
      expect.objectContaining({ level: "customer", id: "acme", alias: "beta", why: "acme tries it", expired: false }),
    ]);
    expect(explained).toEqual([
      expect.objectContaining({
        alias: "beta",
        because: "customer pin",
        customer_id: "acme",
        customer_plan: "paid",
        routing_revision: 3,
      }),
    ]);
    expect(await shell(`${undoIn(pinned)} --yes`)).toMatchObject({ code: 0 });
    expect(await json(["pins"])).toEqual([]);
  });

  it("pins a user before everything else, in pins, who, explain and history, and takes it back", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    await turnout([...pinAcme, "--yes"]);
    const mine = ["--user", "ada"];
    const pinned = await turnout(["pin", ...mine, ...RC, "--to", "stable", "--reason", "my own events", "--yes"]);
    expect(pinned).toMatchObject({ code: 0, stdout: expect.stringContaining("pin user ada of release-coordinator") });
    expect(pinned.stderr).not.toContain("warning");
    const [pins, who, mineIs, theirs, history] = await Promise.all([
      json(["pins", "--level", "user"]),
      json(["who", "release-coordinator", "stable"]),
      json(["explain", ...RC, ...mine, "--customer", "acme"]),
      json(["explain", ...RC, "--user", "grace", "--customer", "acme"]),
      json(["history", ...mine]),
    ]);
    expect(pins).toEqual([expect.objectContaining({ level: "user", id: "ada", alias: "stable" })]);
    expect(who).toContainEqual(expect.objectContaining({ user_id: "ada", because: "user pin" }));
    expect(mineIs).toEqual([expect.objectContaining({ alias: "stable", because: "user pin", customer_id: "acme" })]);
    expect(theirs).toEqual([expect.objectContaining({ alias: "beta", because: "customer pin" })]);
    expect(history).toEqual([expect.objectContaining({ why: "my own events" })]);
    expect(await shell(`${undoIn(pinned)} --yes`)).toMatchObject({ code: 0 });
    expect(await json(["pins", "--level", "user"])).toEqual([]);
  });

  it("says that a user's pin moves that user", async () => {
    const { turnout } = await aRoutedCli();
    const preview = await turnout(["pin", "--user", "ada", ...RC, "--to", "beta", "--reason", "x", "--dry-run"]);
    expect(preview.stderr).toContain("user ada: release-coordinator stable → beta");
  });

  it("prints an undo that brings the earlier pin back, with its period", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    const from = "2026-01-01T00:00:00.000Z";
    const until = "2999-01-01T00:00:00.000Z";
    await turnout([...pinAcme, "--from", "2026-01-01", "--until", until, "--yes"]);
    const [moved] = await json(["pin", "--customer", "acme", ...RC, "--to", "stable", "--reason", "back", "--yes"]);
    expect(moved).toMatchObject({ changed: true, dry_run: false, revision: 4, moves: { count: 3 } });
    expect(await shell(`${moved?.undo} --yes`)).toMatchObject({ code: 0 });
    expect(await json(["pins"])).toEqual([expect.objectContaining({ alias: "beta", from, until })]);
  });

  it("warns of a subject that the directory doesn't know, neither by a row nor as somebody's", async () => {
    const { turnout, edit } = await aRoutedCli();
    await edit([{ kind: "set customer", project: "initech/site", customer: "initech" }]);
    const warnings = async (...subject: string[]) => {
      const pinned = await turnout(["pin", ...subject, ...RC, "--to", "beta", "--reason", "x", "--dry-run"]);
      expect(pinned.code).toBe(0);
      return /^warning: (.*):/m.exec(pinned.stderr)?.[1];
    };
    expect(await warnings("--customer", "acmee")).toBe("the directory has no customer acmee");
    expect(await warnings("--project", "initech/shop")).toBe("the directory has no project initech/shop");
    expect(await warnings("--plan", "gold")).toBe("the directory has no plan gold");
    expect(await warnings("--customer", "acme")).toBeUndefined();
    expect(await warnings("--customer", "initech")).toBeUndefined();
    expect(await warnings("--plan", "paid")).toBeUndefined();
  });

  it("prints an undo of an expired pin's end that brings its row back, by which it is listed again", async () => {
    const { turnout, json, edit, shell } = await aRoutedCli();
    const until = "2026-01-02T00:00:00.000Z";
    const pin = { alias: "beta", who: "ada", why: "trying", at: "2026-01-01T00:00:00.000Z", until };
    const component = "release-coordinator";
    await edit([{ kind: "pin", level: "customer", id: "acme", component, pin }], new Date(pin.at));
    const unpinned = await turnout(["unpin", "--customer", "acme", ...RC, "--reason", "tidy", "--yes"]);
    expect(await json(["pins"])).toEqual([]);
    expect(await shell(`${undoIn(unpinned)} --yes`)).toMatchObject({ code: 0 });
    expect(await json(["pins"])).toEqual([expect.objectContaining({ alias: "beta", until, expired: true })]);
  });

  it("changes nothing in a dry run, unconfirmed, at another revision, and when all is so already", async () => {
    const { turnout, json, withState } = await aRoutedCli();
    const [dry, unconfirmed, conflict] = await Promise.all([
      json([...pinAcme, "--dry-run"]),
      turnout(pinAcme),
      turnout([...pinAcme, "--expect-revision", "1", "--yes"]),
    ]);
    expect(dry).toEqual([expect.objectContaining({ changed: false, dry_run: true, revision: 2, undo: null })]);
    expect(unconfirmed).toMatchObject({ code: 6, stdout: "" });
    expect(unconfirmed.stderr).toMatch(/would go elsewhere(.*\n)+turnout: Nothing was changed: .* Add --yes/);
    expect(conflict.code).toBe(5);
    expect(conflict.stderr).toMatch(/^turnout: The routing table is at revision 2, not 1: 'test' by ada/);
    expect(await withState(({ routingTable }) => routingTable.head())).toBe(2);
    expect(await turnout([...pinAcme, "--expect-revision", "2", "--yes"])).toMatchObject({ code: 0 });
    expect(await json([...pinAcme, "--yes"])).toEqual([expect.objectContaining({ changed: false, revision: 3 })]);
  });

  it.each([
    ["an alias that the component doesn't have", [...RC, "--customer", "acme", "--to", "nope"], 3, "No alias 'nope'"],
    ["an unknown component", ["--component", "x", "--customer", "acme", "--to", "beta"], 3, "There are: release-coord"],
    ["an end in the past", [...RC, "--customer", "a", "--to", "beta", "--until", "2026-01-01"], 4, "expired already"],
    [
      "an end before the start",
      [...RC, "--plan", "a", "--to", "beta", "--from", "2990-01-02", "--until", "2990-01-01"],
      2,
      "before it starts",
    ],
    ["two subjects", [...RC, "--customer", "a", "--plan", "b", "--to", "beta"], 2, "exactly one of"],
    ["no subject", [...RC, "--to", "beta"], 2, "exactly one of"],
    ["an id of 2 KB", [...RC, "--customer", "a".repeat(2048), "--to", "beta"], 2, "at most 1024 bytes"],
    ["an id with a control character", [...RC, "--customer", "a\u001b[2J", "--to", "beta"], 2, "control characters"],
    ["a duration without a unit", [...RC, "--customer", "a", "--to", "beta", "--for", "3"], 2, "such as 15m"],
    ["a misspelt option", [...RC, "--custmer", "a", "--to", "beta"], 2, "(Did you mean --customer?)"],
  ])("refuses %s", async (_, args, code, message) => {
    const { home } = await aRoutedCli();
    const refused = await runHere(["pin", ...args, "--reason", "x", "--yes"], home);
    expect(refused).toMatchObject({ code, stdout: "" });
    expect(refused.stderr).toMatch(/^turnout: .*\n$/);
    expect(refused.stderr).toContain(message);
  });

  it("takes odd ids, also in the undo", async () => {
    const { turnout, shell, json } = await aRoutedCli();
    const ids = ["a/b#c", "it's two words", "日本 \u202e語", "--help"];
    const pinned = await Promise.all(
      ids.map((id) => turnout(["pin", `--project=${id}`, ...RC, "--to", "beta", "--reason", "it's odd", "--yes"])),
    );
    for (const { code, stdout, stderr } of pinned) {
      expect(code).toBe(0);
      expect(stdout + stderr).not.toContain("\u202e");
    }
    expect((await json(["pins"])).map(({ id, why }) => `${id} ${why}`).sort()).toEqual(
      ids.map((id) => `${id} it's odd`).sort(),
    );
    const undone = await shell(pinned.map((result) => `${undoIn(result)} --yes`).join(" && "));
    expect(undone.code).toBe(0);
    expect(await json(["pins"])).toEqual([]);
  });
});

describe("turnout unpin", () => {
  it("says when there was no pin, and refuses a component that doesn't exist", async () => {
    const { turnout } = await aRoutedCli();
    const [none, unknown] = await Promise.all([
      turnout(["unpin", "--plan", "free", ...RC, "--reason", "x", "--yes"]),
      turnout(["unpin", "--plan", "free", "--component", "nope", "--reason", "x", "--yes"]),
    ]);
    expect(none).toMatchObject({ code: 0, stdout: "" });
    expect(none.stderr).toContain("plan free has no pin of release-coordinator");
    expect(unknown).toMatchObject({ code: 3 });
  });
});

describe("turnout pins", () => {
  it("refuses a subject that is named twice, rather than to pin the last one", async () => {
    const { turnout, json } = await aRoutedCli();
    const twice = await turnout([...pinAcme, "--customer", "globex", "--yes"]);
    expect(twice).toMatchObject({ code: 2, stderr: "turnout: --customer: it takes one value, and was given two.\n" });
    expect(await json(["pins"])).toEqual([]);
  });

  it("filters by several levels and components", async () => {
    const { json, edit } = await aRoutedCli();
    const component = "release-coordinator";
    const pin = { alias: "beta", who: "ada", why: "trying", at: "2026-01-01T00:00:00.000Z" };
    const subjects = [
      ["customer", "acme"],
      ["plan", "free"],
      ["project", "acme/site"],
    ] as const;
    await edit(subjects.map(([level, id]) => ({ kind: "pin", level, id, component, pin })));
    const listed = async (...args: string[]) => (await json(["pins", ...args])).map(({ level }) => level);
    expect(await listed("--level", "plan", "--level", "customer")).toEqual(["customer", "plan"]);
    expect(await listed("--component", "nope", ...RC)).toHaveLength(3);
  });

  it("marks expired pins, and filters by component and level", async () => {
    const { turnout, json, edit } = await aRoutedCli();
    const component = "release-coordinator";
    const pin = { alias: "beta", who: "ada", why: "trying", at: "2026-01-01T00:00:00.000Z" };
    const until = "2026-01-02T00:00:00.000Z";
    await edit([{ kind: "pin", level: "plan", id: "free", component, pin: { ...pin, until } }], new Date(pin.at));
    await edit([{ kind: "pin", level: "customer", id: "acme", component, pin }]);
    const [all, plans, table, unknown] = await Promise.all([
      json(["pins", ...RC]),
      json(["pins", "--level", "plan"]),
      turnout(["pins"]),
      turnout(["pins", "--component", "nope"]),
    ]);
    expect(all).toHaveLength(2);
    const expired = { level: "plan", id: "free", component, ...pin, from: null, until, expired: true };
    expect(plans).toEqual([expired]);
    expect(table.stdout).toMatch(/^LEVEL +ID +COMPONENT +ALIAS +WHO +WHEN +UNTIL +WHY\n/);
    expect(table.stdout).toContain("expired 2026-01-02T00:00Z");
    expect(unknown.code).toBe(3);
  });
});
