import { describe, expect, it } from "vitest";
import { readRoutingFile, routingFileEnd, routingFileStart } from "../../../shared/domain/routing/routing-file.ts";
import { aComponent, aPin, aSubjectRow } from "../../support/builders.ts";

const mailer = { key: "component#mailer", row: aComponent({ name: "mailer" }) };
const acme = { key: "customer#acme", row: { pins: { mailer: aPin() }, cohorts: ["staff"], plan: "paid" } };

/** A file as `export` writes it, one row per line. */
function file(...rows: readonly unknown[]): string {
  return routingFileStart(7) + rows.map((row) => `\n${JSON.stringify(row)}`).join(",") + routingFileEnd;
}

function read(text: string) {
  const result = readRoutingFile(text);
  if (!result.ok) throw new Error(result.problem);
  return result.value;
}

describe("a routing file", () => {
  it("is read back with every kind of row, as it was written", () => {
    const rows = [
      { key: "settings#cohorts", row: { staff: { description: "", who: "ada", at: "2026-11-20T10:00:00.000Z" } } },
      { key: "settings#guardrails", row: { expiryRequiredFor: [], protectedSubjects: ["customer#acme"] } },
      { key: "source#shop", row: { source: "shop", customer: "detail.customer" } },
      { key: "project#a#b/é", row: aSubjectRow({ customer: "acme" }) },
      mailer,
      acme,
    ];
    const found = read(file(...rows));
    expect(found).toMatchObject({ revision: 7, bad: [] });
    const written = [...found.rows].map(([key, row]) => ({ key, row }));
    expect(JSON.stringify(written)).toBe(JSON.stringify(rows));
  });

  it("written by hand may leave out what has a default", () => {
    const { rows } = read(
      file({ key: "component#a", row: { name: "a", pattern: { source: ["x"] }, aliases: { stable: {} } } }),
    );
    expect(rows.get("component#a")).toEqual(aComponent({ name: "a", pattern: { source: ["x"] }, aliases: ["stable"] }));
  });

  it.each<[string, unknown, string]>([
    ["an unknown kind", { key: "colour#red", row: {} }, "there are no rows such as 'colour#red'"],
    ["unknown settings", { key: "settings#other", row: {} }, "there are no rows such as 'settings#other'"],
    ["an empty subject id", { key: "customer#", row: aSubjectRow() }, "a subject id can't be empty"],
    [
      "a field that subjects don't have",
      { key: "plan#x", row: { ...aSubjectRow(), colour: 1 } },
      "row: there is no field 'colour'",
    ],
    [
      "a pin without an alias",
      { key: "plan#x", row: aSubjectRow({ pins: { a: { ...aPin(), alias: "" } } }) },
      "row.pins.a.alias: ",
    ],
    ["another name than its key", { key: "component#b", row: mailer.row }, "its key says 'b' and its row 'mailer'"],
    [
      "a source under another name",
      { key: "source#b", row: { source: "shop" } },
      "its key says 'b' and its row 'shop'",
    ],
    [
      "a component whose default alias is not there",
      { key: "component#a", row: { ...aComponent({ name: "a" }), defaultAlias: "x" } },
      "row.defaultAlias: ",
    ],
    ["no row", { key: "plan#x" }, "row: "],
  ])("names the line and path of a row with %s", (_, row, problem) => {
    const { bad, rows } = read(file(mailer, row, acme));
    expect(bad).toEqual([
      { where: `line 3, rows.1 (${(row as { key: string }).key})`, problem: expect.stringContaining(problem) },
    ]);
    expect([...rows.keys()]).toEqual(["component#mailer", "customer#acme"]);
  });

  it("names all bad rows, the ones without a key by their number, and a row that comes twice", () => {
    const pretty = JSON.stringify({ format: 1, revision: 0, rows: [acme, 3, acme, null] }, undefined, 2);
    expect(read(pretty).bad).toEqual([
      { where: "rows.1", problem: expect.stringContaining("expected an object") },
      { where: expect.stringMatching(/^line \d\d, rows\.2 \(customer#acme\)$/), problem: "stands in the file twice" },
      { where: "rows.3", problem: expect.stringContaining("expected an object") },
    ]);
  });

  it("names a bad row by its number and key where its line can't be told", () => {
    expect(read('{"format":1,"revision":0,"rows":[{"key"  :"colour#red","row":{}}]}').bad).toEqual([
      { where: "rows.0 (colour#red)", problem: expect.any(String) },
    ]);
  });

  it("may begin with a byte order mark, as editors write it", () => {
    expect(read(`\uFEFF${file(acme)}`).bad).toEqual([]);
  });

  it.each([
    ["that isn't JSON", "{", "not JSON"],
    ["that was cut off", file(mailer, acme).slice(0, -20), "not JSON"],
    [
      "of a newer format",
      '{"format":2,"rows":{}}',
      "has format 2, and this Turnout knows up to 1; use the newer Turnout",
    ],
    ["of no format", '{"rows":[]}', "format: "],
    ["of something else", "[]", "expected an object"],
    ["of nothing", "null", "expected an object"],
    ["of a bare value", '"format"', "expected an object"],
    ["with a field more", '{"format":1,"revision":1,"rows":[],"x":1}', "there is no field 'x'"],
    ["with a revision below 0", '{"format":1,"revision":-1,"rows":[]}', "revision: "],
  ])("refuses a text %s", (_, text, problem) => {
    expect(readRoutingFile(text)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
  });
});
