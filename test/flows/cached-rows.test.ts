import { describe, expect, it } from "vitest";
import type { RowKey } from "../../shared/domain/routing/routing-change.ts";
import { cachedRows } from "../../shared/flows/cached-rows.ts";
import { inPages } from "../../shared/flows/in-pages.ts";
import { aComponent, aSubjectRow } from "../support/builders.ts";

const row = aSubjectRow({ plan: "paid" });

/** Rows of these keys, in this order. */
function rowsOf(...keys: RowKey[]) {
  const rows = cachedRows();
  for (const key of keys) rows.set(key, null);
  const left = () => keys.filter((key) => rows.get(key) !== undefined);
  return { rows, left };
}

describe("remembered rows", () => {
  it("are found by key, those of subjects also by level and id, and absence is remembered too", () => {
    const rows = cachedRows();
    const mailer = aComponent({ name: "mailer" });
    rows.set("customer#acme", row);
    rows.set("component#mailer", mailer);
    rows.set("user#ada", null);
    expect([rows.get("customer#acme"), rows.use("customer#acme"), rows.useSubject("customer", "acme")]).toEqual([
      row,
      row,
      row,
    ]);
    expect([rows.get("component#mailer"), rows.use("component#mailer")]).toEqual([mailer, mailer]);
    expect([rows.get("user#ada"), rows.use("user#ada"), rows.useSubject("user", "ada")]).toEqual([null, null, null]);
    expect([rows.get("project#acme"), rows.use("component#other"), rows.useSubject("plan", "x")]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(rows.size()).toBe(3);
  });

  it("are forgotten one by one, and all at once", () => {
    const { rows, left } = rowsOf("customer#a", "component#b", "project#c");
    rows.delete("customer#a");
    rows.delete("component#b");
    expect([left(), rows.size()]).toEqual([["project#c"], 1]);
    rows.clear();
    expect(rows.size()).toBe(0);
  });

  it.each(["customer", "component"] as const)("stay where they were used again, whatever came between: %s", (kind) => {
    const { rows, left } = rowsOf(`${kind}#a`, `${kind}#b`);
    rows.use(`${kind}#a`);
    rows.set(`${kind}#c`, null);
    rows.use(`${kind}#a`);
    rows.use(`${kind}#a`);
    rows.evict(1);
    expect([left(), rows.get(`${kind}#c`)]).toEqual([[`${kind}#a`], undefined]);
    rows.delete(`${kind}#a`);
    rows.set(`${kind}#a`, null);
    rows.set(`${kind}#b`, null);
    rows.use(`${kind}#a`);
    rows.evict(1);
    expect(left()).toEqual([`${kind}#a`]);
  });

  it("go where there are too many: of the kind with most of them, those first that weren't used for longest", () => {
    const { rows, left } = rowsOf("customer#a", "customer#b", "customer#c", "project#d", "component#e");
    rows.evict(5);
    expect(rows.size()).toBe(5);
    rows.use("customer#a");
    rows.evict(4);
    expect(left()).toEqual(["customer#a", "customer#c", "project#d", "component#e"]);
    rows.useSubject("customer", "a");
    rows.evict(3);
    expect(left()).toEqual(["customer#a", "project#d", "component#e"]);
    rows.evict(0);
    expect(left()).toEqual([]);
  });

  it("of other kinds than subjects go as well, the least used first", () => {
    const { rows, left } = rowsOf("component#a", "component#b", "component#c");
    rows.use("component#a");
    rows.evict(1);
    expect(left()).toEqual(["component#a"]);
  });
});

it("items are taken together, so many at once, and the rest", async () => {
  const pages = async (count: number) => {
    async function* items() {
      for (let n = 1; n <= count; n++) yield n;
    }
    return Array.fromAsync(inPages(items(), 2));
  };
  expect(await pages(5)).toEqual([[1, 2], [3, 4], [5]]);
  expect(await pages(4)).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(await pages(0)).toEqual([]);
});
