import { describe, expect, it } from "vitest";
import { aCli, aRoutedCli, undoIn } from "../support/cli-process.ts";

const importing = (...options: string[]) => ["directory", "import", "-", "--reason", "from the CRM", ...options];

describe("turnout directory", () => {
  it("sets a customer and a plan, and takes them back", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    const reason = ["--reason", "x", "--yes"];
    const project = await turnout(["directory", "set", "--project", "acme/site", "--customer", "globex", ...reason]);
    const plan = await turnout(["directory", "set", "--customer", "initech", "--plan", "free", ...reason]);
    expect(await json(["directory", "show", "--project", "acme/site"])).toEqual([
      { project: "acme/site", customer: "globex", plan: "free" },
    ]);
    expect(undoIn(plan)).toContain("directory set --customer initech --no-plan");
    expect((await shell(`${undoIn(project)} --yes && ${undoIn(plan)} --yes`)).code).toBe(0);
    const [acme, initech] = await Promise.all([
      json(["directory", "show", "--customer", "acme"]),
      turnout(["directory", "show", "--customer", "initech"]),
    ]);
    expect(acme).toEqual([
      { project: "acme/api", customer: "acme", plan: "paid" },
      { project: "acme/site", customer: "acme", plan: "paid" },
      { project: null, customer: "acme", plan: "paid" },
    ]);
    expect(initech.code).toBe(3);
  });

  it("imports CSV in changes of 90 rows, runs again without effect, and takes it all back", async () => {
    const { turnout, json, shell } = aCli();
    const projects = Array.from({ length: 150 }, (_, index) => `"team, ${index}",acme,paid\r\n`);
    const csv = `\uFEFFproject,customer,plan\r\n${projects.join("")},globex,free\r\n`;
    const imported = await turnout(importing("--yes"), csv);
    expect(imported.stdout).toBe("revisions 1 to 2: import 152 rows of the directory from stdin\n");
    expect(await json(importing("--yes"), csv)).toEqual([expect.objectContaining({ changed: false, revision: 2 })]);
    const shown = await turnout(["directory", "show", "--json"]);
    expect(shown.stdout.split("\n")).toHaveLength(153);
    expect(await json(importing("--yes"), shown.stdout)).toEqual([expect.objectContaining({ changed: false })]);
    expect(undoIn(imported)).toBe("turnout revert 1..2 --reason 'undo of revision 1..2'");
    expect((await shell(`${undoIn(imported)} --yes`)).code).toBe(0);
    expect(await turnout(["directory", "show", "--json"])).toMatchObject({ code: 0, stdout: "" });
  });

  it("warns of customers that the directory says nothing else of, and takes the rest as it is", async () => {
    const { turnout } = await aRoutedCli();
    const csv = "project,customer,plan\na/one,acme,\nb/one,initech,\nb/two,hooli,\n,hooli,paid\n";
    const imported = await turnout(importing("--yes"), csv);
    expect(imported.code).toBe(0);
    expect(imported.stderr).toContain("warning: the directory says nothing else of 1 customer: initech\n");
  });

  it("names every bad line and imports nothing, or what is good with --skip-bad", async () => {
    const { turnout, json } = await aRoutedCli();
    const csv = "customer,project,plan\nacme,new/one,\nacme,, free\nacme\nglobex,new/one,\n,,paid\n";
    const [refused, header, quote] = await Promise.all([
      turnout(importing("--yes"), csv),
      turnout(importing("--yes"), "project;customer\na;b\n"),
      turnout(importing("--yes"), 'project,customer\n"a,b\n'),
    ]);
    expect(refused.code).toBe(1);
    for (const line of [3, 4, 5, 6]) expect(refused.stderr).toContain(`turnout: stdin, line ${line}: `);
    expect(header.stderr).toContain("expected the header project,customer,plan");
    expect(quote.stderr).toContain("stdin, line 2: a quote that is never closed");
    expect(await turnout(importing("--yes", "--skip-bad"), csv)).toMatchObject({ code: 7 });
    expect(await json(["directory", "show", "--project", "new/one"])).toHaveLength(1);
  });
});
