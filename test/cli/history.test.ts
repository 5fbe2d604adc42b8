import { describe, expect, it } from "vitest";
import { aRoutedCli } from "../support/cli-process.ts";
import { beginnings, linesAt, terminalWidths } from "../support/terminal.ts";

const pin = (customer: string, to: string) => {
  return [
    "pin",
    "--customer",
    customer,
    "--component",
    "release-coordinator",
    "--to",
    to,
    "--reason",
    `to ${to}`,
    "--yes",
  ];
};

describe("turnout history", () => {
  it("tells who changed what, when and why, with a command that takes it back when it is run", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    await turnout(pin("acme", "beta"));
    await turnout(pin("globex", "beta"));
    const [all, acme, newest, table] = await Promise.all([
      json(["history"]),
      json(["history", "--customer", "acme", "--component", "release-coordinator"]),
      json(["history", "--since", "1h", "--limit", "1"]),
      turnout(["history", "--limit", "2"]),
    ]);
    expect(all.map(({ revision, rows_changed }) => [revision, rows_changed])).toEqual([
      [1, 1],
      [2, 4],
      [3, 1],
      [4, 1],
    ]);
    expect(acme).toEqual([
      expect.objectContaining({
        revision: 3,
        why: "to beta",
        command: expect.stringMatching(/^turnout pin --customer acme/),
        forced: false,
        rows: [expect.objectContaining({ key: "customer#acme" })],
        undo: "turnout revert 3 --reason 'undo of revision 3'",
      }),
    ]);
    expect(newest.map(({ revision }) => revision)).toEqual([4]);
    expect(table.stdout).toMatch(
      /^REVISION +TIME +WHO +ROWS +WHY +COMMAND +UNDO\n +3 .*turnout revert 3 --reason 'undo of revision 3'\n +4 /,
    );
    expect((await shell(`${acme[0]?.undo} --yes`)).code).toBe(0);
    expect(await json(["pins"])).toEqual([expect.objectContaining({ id: "globex" })]);
  });

  it.each(terminalWidths)(
    "fits %i columns with the revision, who and why of each, if not with how",
    async (columns) => {
      const { turnout } = await aRoutedCli();
      await turnout(pin("acme", "beta"));
      const lines = await linesAt(columns, () => turnout(["history"]));
      expect(lines.filter((line) => line.length > columns)).toEqual([]);
      expect(lines[0]).toMatch(/^REVISION +TIME +WHO .*WHY/);
      expect(lines[3]).toMatch(/^ +3 {2}20\S+Z .*to beta/);
      for (const title of ["TIME", "WHO", "WHY"]) expect(beginnings(lines, title)).toHaveLength(1);
    },
  );

  it("says when nothing was changed, and refuses a window that can't be", async () => {
    const { turnout } = await aRoutedCli();
    const [none, empty, both, limit] = await Promise.all([
      turnout(["history", "--who", "nobody"]),
      turnout(["history", "--from", "2026-11-20", "--to", "2026-11-20"]),
      turnout(["history", "--from", "2026-11-20", "--since", "1h"]),
      turnout(["history", "--limit", "0"]),
    ]);
    expect(none).toEqual({ code: 0, stdout: "", stderr: "no changes\n" });
    for (const { code } of [empty, both, limit]) expect(code).toBe(2);
  });
});

describe("turnout who", () => {
  it("lists who is on an alias and why, the first 50 or all", async () => {
    const { turnout, json, edit } = await aRoutedCli();
    const rows = Array.from({ length: 60 }, (_, n) => ({ level: "project" as const, id: `p-${n}`, customer: "acme" }));
    await edit([{ kind: "set directory rows", rows }]);
    await turnout(pin("acme", "beta"));
    const [table, some, all, unknown] = await Promise.all([
      turnout(["who", "release-coordinator", "beta"]),
      json(["who", "release-coordinator", "beta"]),
      json(["who", "release-coordinator", "beta", "--all"]),
      turnout(["who", "release-coordinator", "nope"]),
    ]);
    expect([some.length, all.length]).toEqual([50, 63]);
    expect(all[0]).toMatchObject({
      customer_id: "acme",
      customer_plan: "paid",
      because: "customer pin",
      routing_revision: 4,
    });
    expect(table.stdout).toMatch(
      /^SUBJECT +BECAUSE +RULE\ncustomer acme, plan paid +customer pin +customer acme pinned by .*: to beta\n/,
    );
    expect(table.stderr).toContain(
      "63 subjects on beta of release-coordinator at revision 4, the first 50 of them named",
    );
    expect(unknown.code).toBe(3);
  });

  it.each(terminalWidths)("fits %i columns, in which each begins at one place and ids are whole", async (columns) => {
    const { turnout, edit } = await aRoutedCli();
    const ids = ["acme-industries/storefront-of-the-south", "a", "acme/site"];
    const rows = ids.map((id) => ({ level: "project" as const, id, customer: "acme" }));
    await edit([{ kind: "set directory rows", rows }]);
    await turnout(pin("acme", "beta"));
    const why = "they have asked for it in the meeting of last week, and would like to keep it for a while";
    const pinned = ["--project", ids[0] ?? "", "--component", "release-coordinator", "--to", "beta", "--for", "3d"];
    await turnout(["pin", ...pinned, "--reason", why, "--yes"]);
    const lines = await linesAt(columns, () => turnout(["who", "release-coordinator", "beta"]));
    expect(lines).toHaveLength(6);
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
    expect(lines[0]).toMatch(/^SUBJECT +BECAUSE +RULE$/);
    for (const title of ["BECAUSE", "RULE"]) expect(beginnings(lines, title)).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith("project acme/site, "))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith(`project ${ids[0]}`))).toHaveLength(1);
  });
});
