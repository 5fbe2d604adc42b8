import { expect, it } from "vitest";
import { UnreadableRow } from "../../shared/domain/routing/unreadable-row.ts";
import { sourcesIn } from "../../shared/flows/event-sources.ts";
import type { KeyedRow } from "../../shared/routing-table/routing-table.ts";
import { aComponent, aSubjectRow } from "../support/builders.ts";

const broken = new UnreadableRow("is broken", "{");

/** A table of these rows, in this order, and how many of them were read. */
function listed(...rows: KeyedRow[]) {
  let read = 0;
  async function* allRows() {
    for (const row of rows) {
      read += 1;
      yield row;
    }
  }
  return { table: { allRows }, read: () => read };
}

const rows: KeyedRow[] = [
  { key: "component#mailer", row: aComponent({ name: "mailer" }) },
  { key: "source#bank", row: broken },
  { key: "source#shop", row: { source: "shop" } },
];

it("the sources are those that have a row which can be read", async () => {
  expect(await sourcesIn(listed(...rows).table)).toEqual([{ source: "shop" }]);
});

it("what stands for a source that can't be read is up to who asks", async () => {
  const asked: string[] = [];
  const sources = await sourcesIn(listed(...rows).table, (key, row) => {
    asked.push(key);
    return row === broken ? { source: "bank", retentionDays: 7 } : undefined;
  });
  expect([sources, asked]).toEqual([[{ source: "bank", retentionDays: 7 }], ["source#bank", "source#shop"]]);
});

it("for the sources no more than one subject is read", async () => {
  const subject = (id: string): KeyedRow => ({ key: `customer#${id}`, row: aSubjectRow() });
  const { table, read } = listed(...rows, subject("a"), subject("b"), subject("c"));
  expect(await sourcesIn(table)).toEqual([{ source: "shop" }]);
  expect(read()).toBe(4);
});
