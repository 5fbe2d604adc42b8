import { describe, expect, it } from "vitest";
import type { RowKey } from "../../shared/domain/routing/routing-change.ts";
import { commitRequest, itemKeyOf, logRequest } from "../../shared/routing-table/dynamodb-requests.ts";
import { aComponent, aPin, aSubjectRow } from "../support/builders.ts";
import { aChange, type Rows } from "../support/dynamodb-routing.ts";

const rowsNamed = (count: number): Rows =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`project#${n}`, aSubjectRow({ customer: "acme" })]));

describe("the routing table's requests", () => {
  it.each<[RowKey, string, string]>([
    ["component#release-coordinator", "component#release-coordinator", "row"],
    ["source#github.com", "source#github.com", "row"],
    ["customer#acme", "customer#0", "acme"],
    ["project#acme/site", "project#3", "acme/site"],
    ["plan#a#b", "plan#0", "a#b"],
  ])("keeps the row %s under the same key for ever", (key, pk, sk) => {
    expect(itemKeyOf(key)).toEqual({ pk, sk });
  });

  it("spreads subjects over all eight shards", () => {
    const shards = Array.from({ length: 100 }, (_, n) => itemKeyOf(`customer#customer-${n}`).pk);
    expect([...new Set(shards)].sort()).toEqual(Array.from({ length: 8 }, (_, n) => `customer#${n}`));
  });

  it("keeps the change log in order beyond any number of changes", () => {
    const after = [9, 10, 99_999, Number.MAX_SAFE_INTEGER].map(
      (revision) => logRequest("table", revision, 1).ExpressionAttributeValues?.[":after"] as string,
    );
    expect([...after].sort()).toEqual(after);
  });

  it("makes a change of the most rows in one transaction of at most 100 items", () => {
    const components = Object.fromEntries(
      Array.from({ length: 90 }, (_, n) => [`component#${n}`, n % 2 === 0 ? null : aComponent({ name: `${n}` })]),
    );
    const { TransactItems = [], ClientRequestToken } = commitRequest("table", aChange("id", components), 41);
    expect(TransactItems).toHaveLength(94);
    expect(ClientRequestToken).toHaveLength(36);
  });

  it("draws its token from all that makes a request another one", () => {
    const token = (table: string, id: string, rows: Rows, expected: number) =>
      commitRequest(table, aChange(id, rows), expected).ClientRequestToken;
    const first = token("table", "id", {}, 1);
    expect(token("table", "id", {}, 1)).toBe(first);
    const others = [token("other", "id", {}, 1), token("table", "id 2", {}, 1), token("table", "id", {}, 2)];
    expect([...others, token("table", "id", rowsNamed(1), 1)]).not.toContain(first);
  });

  it("refuses a change of more rows than a transaction takes", () => {
    const tooMany = aChange("id", rowsNamed(91));
    expect(() => commitRequest("table", tooMany, 0)).toThrow(/touches 91 rows.*at most 90.*several changes/);
  });

  it("refuses a change of more bytes than an item takes, counted as UTF-8", () => {
    const rows = (characters: number): Rows => ({
      "project#a": aSubjectRow({ pins: { mailer: aPin({ why: "€".repeat(characters) }) } }),
    });
    expect(() => commitRequest("table", aChange("id", rows(102_000)), 0)).not.toThrow();
    expect(() => commitRequest("table", aChange("id", rows(103_000)), 0)).toThrow(/bytes.*at most 307200/);
  });

  it("refuses a change that names a row twice", () => {
    const { rows } = aChange("id", rowsNamed(1));
    const twice = aChange("id", {}, { rows: [...rows, ...rows] });
    expect(() => commitRequest("table", twice, 0)).toThrow("names the row 'project#0' twice");
  });
});
