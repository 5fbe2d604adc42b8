import { describe, expect, it } from "vitest";
import { traitText } from "../../../shared/domain/health/trait.ts";
import { type Case, traitIndex } from "../../../shared/domain/health/trait-index.ts";

const BASE: Case = {
  failed: false,
  at: new Date("2026-11-20T10:00:00Z"),
  type: "push",
  version: "22",
  alias: "stable",
  because: "default alias",
  subject: {},
};

function indexOf(...events: (object | undefined)[]) {
  const index = traitIndex();
  for (const event of events) index.add({ ...BASE, ...(event && { event }) });
  return index;
}

/** Of paths alone, e.g. `detail.a = 1: 0,2`. */
const pathsOf = (index: ReturnType<typeof traitIndex>) =>
  [...index.traits()]
    .filter(({ trait }) => trait.of === "path")
    .map(({ trait, cases }) => `${traitText(trait)}: ${cases.join()}`);

/** Where the first array stands on the way to each value. */
const arraysOf = (index: ReturnType<typeof traitIndex>) =>
  Object.fromEntries([...index.traits()].map(({ trait, arrayAt }) => [traitText(trait), arrayAt]));

describe("the traits of events", () => {
  it("are values at their paths, and that a field is missing where others have it, each case once", () => {
    const index = indexOf(
      { detail: { a: 1, list: ["x", "x", "y"] } },
      { detail: { list: ["x"] } },
      { detail: { a: null, list: ["x"] } },
    );
    expect(pathsOf(index)).toEqual([
      "detail.a = 1: 0",
      "detail.a = null: 2",
      "detail.a is missing: 1",
      'detail.list = "x": 0,1,2',
      'detail.list = "y": 0',
    ]);
  });

  it("have nothing missing where the event itself couldn't be looked into", () => {
    const index = indexOf({ detail: { a: 1 } }, undefined, { detail: { a: 1 } });
    expect(pathsOf(index)).toEqual(["detail.a = 1: 0,2"]);
    expect(index.readable).toEqual([0, 2]);
    expect(index.left.events).toBe(1);
  });

  it("leave out what each event has for itself, or is told by a fact, and that alone", () => {
    const names = ["idempotencyKey", "project", "customer", "plan", "user", "traceparent"];
    const own = Object.fromEntries(names.map((name) => [name, "x"]));
    const event = { id: "x", time: "x", version: "x", "detail-type": "x", source: "shop" };
    expect(pathsOf(indexOf({ ...event, detail: { metadata: { ...own, flow: "x" } } }))).toEqual([
      'source = "shop": 0',
      'detail.metadata.flow = "x": 0',
    ]);
    const elsewhere = indexOf({
      ...{ customer: "x", detail: { id: "x", customer: "x", other: { customer: "x" } } },
      ...{ resources: { metadata: { customer: "x" } } },
    });
    expect(pathsOf(elsewhere)).toHaveLength(5);
    expect(pathsOf(indexOf({ detail: { metadata: { deep: { customer: "x" } } } }))).toHaveLength(1);
  });

  it("say where the first array is on the way to each of them, whenever it was met", () => {
    expect(arraysOf(indexOf({ detail: { list: [{ x: 1 }], plain: 2 } }))).toMatchObject({
      "detail.list.x = 1": 2,
      "detail.plain = 2": undefined,
    });
    const [asObject, asArray] = [{ detail: { list: { x: { y: 1 } } } }, { detail: { list: [{ x: { y: 2 } }] } }];
    const later = arraysOf(indexOf(asObject, asArray));
    expect(later).toMatchObject({ "detail.list.x.y = 1": 2, "detail.list.x.y = 2": 2 });
    const inner = arraysOf(indexOf({ detail: { list: { x: [1] } } }, { detail: { list: [{ x: 2 }] } }));
    expect(inner).toMatchObject({ "detail.list.x = 1": 2, "detail.list.x = 2": 2 });
    const outer = arraysOf(indexOf({ detail: { list: [{ x: [1] }] } }));
    expect(outer).toMatchObject({ "detail.list.x = 1": 2 });
  });
});

describe("what is left out of the traits of events", () => {
  const nested = (depth: number) => Array.from({ length: depth }).reduce<unknown>((inner) => ({ a: inner }), 1);

  it("stands deeper than twelve fields", () => {
    const index = indexOf(nested(12) as object, nested(13) as object);
    // The field is there in both, but what is in it isn't looked at in the second.
    expect(pathsOf(index)).toEqual([`${"a.".repeat(11)}a = 1: 0`, `${"a.".repeat(11)}a is missing: 1`]);
  });

  it("is an event of more than 3,000 fields and elements, whole", () => {
    const list = (length: number) => ({ list: Array.from({ length }, () => 1) });
    // The event and its list are two of them.
    expect(indexOf(list(2_998)).left).toEqual({ events: 0, paths: 0, values: 0 });
    const tooMany = indexOf(list(2_999));
    expect(tooMany.left.events).toBe(1);
    expect(pathsOf(tooMany)).toEqual([]);
    expect(tooMany.readable).toEqual([]);
  });

  it("is a value of more than 200 characters, which is there all the same", () => {
    const index = indexOf({ text: "x".repeat(200) }, { text: "y".repeat(201) }, { other: 1 });
    expect(index.left).toEqual({ events: 0, paths: 0, values: 1 });
    expect(pathsOf(index)).toEqual([
      `text = ${JSON.stringify("x".repeat(200))}: 0`,
      "text is missing: 2",
      "other = 1: 2",
      "other is missing: 0,1",
    ]);
  });

  it("are fields beyond 2,000, in whatever events", () => {
    const fields = (from: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${from + n}`, 1]));
    const index = indexOf(fields(0, 1_500), fields(1_500, 501), fields(0, 3));
    expect(index.left).toEqual({ events: 0, paths: 1, values: 0 });
    expect(pathsOf(index).filter((text) => text.includes(" = "))).toHaveLength(2_000);
  });
});
