import { describe, expect, it } from "vitest";
import { runHere } from "../support/cli-in-process.ts";
import { aRoutedCli, undoIn } from "../support/cli-process.ts";

const why = ["--reason", "a test", "--yes"];
const rc = "release-coordinator";

async function aCohortCli() {
  const cli = await aRoutedCli();
  const at = "2026-01-01T00:00:00.000Z";
  await cli.edit([{ kind: "create cohort", cohort: "staff", description: "us", who: "ada", at }]);
  return cli;
}

describe("turnout cohort", () => {
  it("warns of members that the directory doesn't know as they are added, and not as they are dropped", async () => {
    const { turnout } = await aCohortCli();
    const warnings = async (...args: string[]) => {
      const { code, stderr } = await turnout(["cohort", ...args, ...why]);
      expect(code).toBe(0);
      return stderr.split("\n").filter((line) => line.startsWith("warning: "));
    };
    expect(await warnings("add", "staff", "--customer", "acme", "acmee", "--user", "ada", "--dry-run")).toEqual([
      "warning: the directory has no customer acmee: it is a member for events that name it themselves",
    ]);
    const unknown = Array.from({ length: 12 }, (_, n) => `p/${n}`);
    expect(await warnings("add", "staff", "--customer", "acme", "--project", ...unknown)).toEqual([
      "warning: the directory has none of these 12: project p/0, project p/1, project p/2, project p/3, project p/4, " +
        "project p/5, project p/6, project p/7, project p/8, project p/9, … and 2 more; " +
        "they are members for events that name them themselves",
    ]);
    expect(await warnings("drop", "staff", "--customer", "nobody", "acme")).toEqual([]);
  });

  it("is created, filled, shown, emptied and removed, and each of these has an undo that works", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    const created = await turnout(["cohort", "create", "staff", "--description", "all of us", ...why]);
    expect(created).toMatchObject({ code: 0, stdout: "revision 3: create cohort staff: all of us\n" });
    expect(undoIn(created)).toBe("turnout cohort remove staff --reason 'undo of revision 3'");
    const added = await turnout(["cohort", "add", "staff", "--customer", "acme", "it's", "--project", "p/1", ...why]);
    expect(added).toMatchObject({ code: 0, stdout: "revision 4: add 3 subjects to cohort staff\n" });
    const [again, shown, listed, refused] = await Promise.all([
      json(["cohort", "add", "staff", "--customer", "acme", ...why]),
      json(["cohort", "show", "staff"]),
      turnout(["cohort", "list"]),
      turnout(["cohort", "remove", "staff", ...why]),
    ]);
    expect(again).toEqual([expect.objectContaining({ changed: false })]);
    const members = [{ project: "p/1" }, { customer: "acme" }, { customer: "it's" }];
    expect(shown).toEqual([
      expect.objectContaining({ cohort: "staff", description: "all of us", members, routes: [] }),
    ]);
    expect(listed.stdout).toMatch(/^COHORT +MEMBERS +DESCRIPTION\nstaff +3 +all of us\n$/);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain("still named by 3 subjects (project p/1, customer acme, customer it's)");
    expect(await shell(`${undoIn(added)} --yes`)).toMatchObject({ code: 0 });
    const removed = await turnout(["cohort", "remove", "staff", ...why]);
    expect(removed.code).toBe(0);
    expect(await shell(`${undoIn(removed)} --yes`)).toMatchObject({ code: 0 });
    expect(await json(["cohort", "list"])).toEqual([
      { cohort: "staff", members: 0, components: [], description: "all of us" },
    ]);
  });

  it("has users as members, by name and from a file", async () => {
    const { turnout, json, shell } = await aCohortCli();
    const added = await turnout(["cohort", "add", "staff", "--user", "ada", "grace", ...why]);
    await turnout(["cohort", "add", "staff", "--from", "-", ...why], "user\nalan\n");
    const members = [{ user: "ada" }, { user: "alan" }, { user: "grace" }];
    expect(await json(["cohort", "show", "staff"])).toEqual([expect.objectContaining({ members })]);
    expect(await shell(`${undoIn(added)} --yes`)).toMatchObject({ code: 0 });
    expect(await json(["cohort", "show", "staff"])).toEqual([expect.objectContaining({ members: [{ user: "alan" }] })]);
  });

  it("takes 1,000 customers from a file in changes of 90, again without effect, and takes them back", async () => {
    const { turnout, json, shell, withState } = await aCohortCli();
    const file = `customer\n${Array.from({ length: 1_000 }, (_, i) => `c-${i}`).join("\n")}\n`;
    // Somebody was interrupted after the first two hundred.
    await turnout(["cohort", "add", "staff", "--from", "-", ...why], file.split("\n").slice(0, 201).join("\n"));
    const filled = await turnout(["cohort", "add", "staff", "--from", "-", ...why], file);
    expect(filled.code).toBe(0);
    expect(filled.stderr).toContain("800 of 1000 subjects would change");
    const again = await json(["cohort", "add", "staff", "--from", "-", ...why], file);
    expect(again).toEqual([expect.objectContaining({ changed: false, rows_changed: 0 })]);
    expect(await json(["cohort", "list"])).toEqual([expect.objectContaining({ members: 1_000 })]);
    const head = await withState(({ routingTable }) => routingTable.head());
    const largest = await withState(({ routingTable }) => routingTable.changesAfter(3, head));
    expect(Math.max(...largest.map(({ rows }) => rows.length))).toBe(90);
    expect(await shell(`${undoIn(filled)} --yes`)).toMatchObject({ code: 0 });
    expect(await json(["cohort", "list"])).toEqual([expect.objectContaining({ members: 200 })]);
  });

  it.each([
    ["an unknown cohort", ["add", "nope", "--customer", "a"], "", 3, "There are: staff."],
    ["an unknown cohort to show", ["show", "nope"], "", 3, "No cohort 'nope'"],
    ["an unknown cohort to remove", ["remove", "nope"], "", 3, "No cohort 'nope'"],
    ["nobody to add", ["add", "staff"], "", 2, "Name --user, --project, --customer"],
    ["a file beside names", ["add", "staff", "--customer", "a", "--from", "-"], "", 2, "not both"],
    ["a name that is none", ["create", "Staff!"], "", 2, "lower-case letters"],
    ["an odd id", ["drop", "staff", "--customer", "a\u001b[2J"], "", 2, "control characters"],
    ["bad lines", ["add", "staff", "--from", "-"], "customer\na\nb,c\n", 1, "stdin, line 3: has 2 cells"],
    ["an unknown header", ["add", "staff", "--from", "-"], "name\na\n", 1, "'customer', 'project' or 'user'"],
  ])("refuses %s", async (_, args, input, code, message) => {
    const mutation = args[0] === "show" ? [] : why;
    const refused = await (await aCohortCli()).turnout(["cohort", ...args, ...mutation], input);
    expect([refused.code, refused.stdout]).toEqual([code, ""]);
    expect(refused.stderr).toContain(message);
  });

  it("takes what can be read with --skip-bad, and says that it was not all", async () => {
    const { turnout, json } = await aCohortCli();
    const args = ["cohort", "add", "staff", "--from", "-", "--skip-bad", ...why];
    expect(await turnout(args, "customer\na\nb,c\n")).toMatchObject({ code: 7 });
    expect(await json(["cohort", "show", "staff"])).toEqual([
      expect.objectContaining({ members: [{ customer: "a" }] }),
    ]);
  });
});

describe("turnout cohort-route", () => {
  it("sends a cohort somewhere, in an order and for a time, and takes it back", async () => {
    const { turnout, json, shell, edit } = await aCohortCli();
    const at = "2026-01-01T00:00:00.000Z";
    await edit([
      { kind: "create cohort", cohort: "partners", description: "", who: "ada", at },
      { kind: "set members", cohort: "staff", members: ["customer#acme"], member: true },
    ]);
    const set = await turnout(["cohort-route", "set", rc, "staff", "--to", "beta", ...why]);
    expect(set.code).toBe(0);
    expect(set.stderr).toContain("customer acme: release-coordinator stable → beta");
    const until = "2999-01-01T00:00:00.000Z";
    const first = ["--to", "experimental", "--before", "staff", "--until", until];
    const second = await turnout(["cohort-route", "set", rc, "partners", ...first, ...why]);
    expect(second.code).toBe(0);
    const inUse = await turnout(["cohort", "remove", "partners", ...why]);
    expect(inUse).toMatchObject({ code: 4, stderr: expect.stringContaining(`the route of ${rc}`) });
    expect(await json(["cohort-route", "list", rc])).toEqual([
      expect.objectContaining({ order: 1, cohort: "partners", alias: "experimental", until, counts: true }),
      expect.objectContaining({ order: 2, cohort: "staff", alias: "beta", until: null, counts: true }),
    ]);
    const removed = await turnout(["cohort-route", "remove", rc, "staff", ...why]);
    expect(await shell(`${undoIn(removed)} --yes`)).toMatchObject({ code: 0 });
    expect((await turnout(["cohort-route", "list", rc])).stdout).toMatch(/2 +staff +beta/);
  });

  it.each([
    ["an unknown cohort", ["set", rc, "nope", "--to", "beta"], 3, "No cohort 'nope'"],
    ["an unknown alias", ["set", rc, "staff", "--to", "nope"], 3, "No alias 'nope'"],
    ["an unknown component", ["set", "nope", "staff", "--to", "beta"], 3, "No component 'nope'"],
    ["a place before nothing", ["set", rc, "staff", "--to", "beta", "--before", "x"], 3, "no route for cohort 'x'"],
    ["an end in the past", ["set", rc, "staff", "--to", "beta", "--until", "2026-01-01"], 4, "expired already"],
    ["a route that isn't there", ["remove", rc, "staff"], 3, "it has none"],
  ])("refuses %s", async (_, args, code, message) => {
    const refused = await runHere(["cohort-route", ...args, ...why], (await aCohortCli()).home);
    expect([refused.code, refused.stdout]).toEqual([code, ""]);
    expect(refused.stderr).toContain(message);
  });
});
