import { describe, expect, it } from "vitest";
import { readDirectoryFile } from "../../../shared/domain/routing/directory-file.ts";

const site = { level: "project", id: "site", customer: "acme" };
const api = { level: "project", id: "api", customer: "acme" };
const acme = { level: "customer", id: "acme", plan: "paid" };

const badLines = (text: string) => {
  const file = readDirectoryFile(text);
  if (!file.ok) throw new Error(file.problem);
  return file.value.bad.map(({ where, problem }) => `${where}: ${problem}`);
};

describe("a directory file", () => {
  it.each([
    ["CSV", "project,customer,plan\nsite,acme,paid\napi,acme,\n"],
    ["CSV with its columns in another order", "plan, customer ,project\npaid,acme,site\n,acme,api\n"],
    ["an array", '\uFEFF [{"project":"site","customer":"acme","plan":"paid"},{"project":"api","customer":"acme"}]'],
    [
      "an object per line",
      '{"project":"site","customer":"acme","plan":"paid"}\n{"project":"api","customer":"acme","plan":null}',
    ],
  ])("states each project's customer and each customer's plan, as %s", (_, text) => {
    expect(readDirectoryFile(text)).toEqual({ ok: true, value: { rows: [site, acme, api], bad: [] } });
  });

  it("may say the same twice, and states it once", () => {
    const text = "project,customer,plan\nsite,acme,paid\nsite,acme,paid\n";
    expect(readDirectoryFile(text)).toEqual({ ok: true, value: { rows: [site, acme], bad: [] } });
  });

  it("loses only the line that contradicts one before it, and that one as a whole", () => {
    const text = "project,customer,plan\nsite,acme,paid\napi,acme,free\nsite,globex,\napi,acme,\n";
    expect(readDirectoryFile(text)).toMatchObject({ ok: true, value: { rows: [site, acme, api] } });
    expect(badLines(text)).toEqual([
      "line 3: customer acme has free here and paid on line 2",
      "line 4: project site has globex here and acme on line 2",
    ]);
  });

  it.each([
    ["says nothing of its customer", "customer\nacme\n", /^line 2: names neither a project with its customer/],
    ["has a project and no customer", "project,customer\nsite,\n", /^line 2: names neither/],
    ["has a plan and no customer", "customer,plan\n,paid\n", /^line 2: names neither/],
    ["has a cell too few", "customer,plan\nacme\n", /^line 2: has 1 cells, and the header has 2/],
    [
      "has a cell that ends with a space",
      "customer,plan\nacme ,paid\n",
      /^line 2: 'acme ' begins or ends with a space/,
    ],
    ["has a quote that is never closed", 'customer,plan\n"acme,paid\n', /^line 2: a quote that is never closed/],
    ["is the only one, as JSON", '{"customer":"acme"}', /^line 1: names neither/],
    ["has a field that it doesn't know", '[{"customer":"acme","plan":"paid","tier":1}]', /tier/],
  ])("loses a line that %s, and says which", (_, text, problem) => {
    expect(badLines(text)).toEqual([expect.stringMatching(problem)]);
  });

  it("takes a cell in quotes as it is written", () => {
    const rows = [{ level: "customer", id: " acme ", plan: "paid" }];
    expect(readDirectoryFile('customer,plan\n" acme ",paid\n')).toEqual({ ok: true, value: { rows, bad: [] } });
  });

  it.each([
    ["a column that it doesn't know", "customer,plan,tier\n"],
    ["no customer", "project,plan\n"],
    ["a column twice", "customer,plan,plan\n"],
    ["no text at all", ""],
  ])("refuses a header with %s", (_, text) => {
    expect(readDirectoryFile(text)).toEqual({
      ok: false,
      problem: expect.stringMatching(/^expected the header project,customer,plan on the first line, found /),
    });
  });
});
