import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { AliasName } from "../../../shared/domain/routing/alias.ts";
import { Guardrails } from "../../../shared/domain/routing/guardrails.ts";
import { Instant, nameSchema, own, read, readJson } from "../../../shared/domain/text/schema.ts";

describe("read", () => {
  const Pair = z.object({ left: z.string(), right: z.object({ size: z.int() }) });

  it("answers the value in its type", () => {
    const value = { left: "a", right: { size: 1 } };
    expect(read(Pair, value)).toEqual({ ok: true, value });
  });

  it("names the path of every problem, after where it was found", () => {
    expect(read(Pair, { right: { size: "1" } }, "detail.metadata")).toEqual({
      ok: false,
      problem: "detail.metadata.left: it is missing; " + "detail.metadata.right.size: expected a number, not text",
    });
  });

  it("says of a number that isn't whole no more than that", () => {
    expect(read(z.int(), 1.5)).toEqual({ ok: false, problem: "expected a whole number" });
  });

  it.each([
    [z.string().check(z.minLength(1)), "", "can't be empty"],
    [z.string().check(z.minLength(3)), "ab", "expected at least 3 characters"],
    [z.array(z.int()).check(z.maxLength(1)), [1, 2], "expected at most 1 elements"],
    [z.int().check(z.maximum(5)), 6, "expected at most 5"],
    [z.int(), 1.5, "expected a whole number"],
    [z.int(), "1", "expected a number, not text"],
    [z.int(), JSON.parse("-1e400"), "expected a number, not an infinite one"],
    [z.string(), null, "expected text, not null"],
    [z.boolean(), "yes", "expected true or false, not text"],
    [z.array(z.string()), { a: 1 }, "expected a list, not an object"],
    [z.record(z.string(), z.string()), undefined, "it is missing"],
    [z.enum(["a", "b", "c"]), "d", "expected 'a', 'b' or 'c'"],
    [z.discriminatedUnion("kind", [z.object({ kind: z.literal("a") }), z.object({ kind: z.literal("b") })]), {}, "'a'"],
    [z.strictObject({}), { colour: 1 }, "there is no field 'colour'"],
    [z.strictObject({}), { colour: 1, size: 2 }, "there are no fields 'colour', 'size'"],
    [z.string().check(z.regex(/^a+$/)), "b", "it isn't written as such a text is"],
    [z.string().check(z.regex(/^a+$/, "only the letter a")), "b", "only the letter a"],
    [Guardrails, { protectedSubjects: ["acme"] }, "protectedSubjects.0: expected a subject such as customer#acme"],
  ])("says in words what is wrong", (schema: z.ZodMiniType, input, problem) => {
    expect(read(schema, input)).toEqual({ ok: false, problem: expect.stringContaining(problem) });
  });

  it("names no path where there is none", () => {
    expect(read(Pair, [])).toEqual({ ok: false, problem: "expected an object, not a list" });
  });
});

describe("readJson", () => {
  it("reads what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(readJson(JSON.stringify(value))).toEqual({ ok: true, value: JSON.parse(JSON.stringify(value)) });
      }),
    );
  });

  it.each(["", "{", "{'a':1}", "[1,]", "NaN", "\ufeff{}"])("refuses %j and says that it isn't JSON", (text) => {
    expect(readJson(text)).toEqual({ ok: false, problem: expect.stringMatching(/^not JSON: ./) });
  });
});

describe("an instant", () => {
  it("is taken as Date writes it, and sorts as time does", () => {
    const date = fc.date({
      min: new Date("0000-01-01T00:00:00.000Z"),
      max: new Date("9999-12-31T23:59:59.999Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, date, (a, b) => {
        const [textA, textB] = [a.toISOString(), b.toISOString()];
        expect(read(Instant, textA).ok).toBe(true);
        expect(textA < textB).toBe(a < b);
      }),
    );
  });

  it("is refused with an example, and by its type when it is no text", () => {
    const problem = "at: expected an instant such as 2026-11-20T10:00:00.000Z";
    expect(read(Instant, "noon", "at")).toEqual({ ok: false, problem });
    expect(read(Instant, 12, "at")).toEqual({ ok: false, problem: "at: expected text, not a number" });
  });

  it("is a day that the calendar has", () => {
    for (const year of ["0000", "1900", "2000", "2023", "2024", "9999"]) {
      for (const day of ["02-28", "02-29", "02-30", "04-30", "04-31", "12-31", "13-01"]) {
        const text = `${year}-${day}T23:59:59.999Z`;
        const time = new Date(text);
        const isThere = !Number.isNaN(time.getTime()) && time.toISOString() === text;
        expect([text, read(Instant, text).ok]).toEqual([text, isThere]);
      }
    }
  });

  it.each([
    "2026-11-20",
    "2026-11-20T10:00:00Z",
    "2026-11-20T10:00:00.000",
    "2026-11-20T10:00:00.000+00:00",
    "2026-11-20T11:00:00.000+01:00",
    "2026-02-30T10:00:00.000Z",
    "2026-11-20T24:00:00.000Z",
    "2026-11-20T10:00:00.0000Z",
    "2026-11-20t10:00:00.000z",
    "2026-11-20T10:00:60.000Z",
    "2026-11-20T10:00:00.000Z\n",
    "+010000-01-01T00:00:00.000Z",
    "-000001-01-01T00:00:00.000Z",
    "tomorrow",
    "",
  ])("refuses %j", (text) => {
    expect(read(Instant, text).ok).toBe(false);
  });
});

describe("a name", () => {
  const Name = nameSchema("a name", 5);

  it.each(["a", "7", "ab", "a-b", "a--b", "abcde", "a-b-c"])("can be %j", (name) => {
    expect(read(Name, name)).toEqual({ ok: true, value: name });
  });

  it.each(["", "-", "a-", "-a", "abcdef", "A", "é", "a_b", "a.b", "a#b", "a/b", "a b", "a\n", "__proto__"])(
    "refuses %j and says what a name has",
    (name) => {
      expect(read(Name, name)).toEqual({
        ok: false,
        problem: "a name has 1 to 5 lower-case letters, digits and inner hyphens",
      });
    },
  );

  it("a name of an alias has up to 128 characters", () => {
    expect(read(AliasName, "a".repeat(128)).ok).toBe(true);
    expect(read(AliasName, "a".repeat(129)).ok).toBe(false);
  });
});

describe("own", () => {
  it.each(["constructor", "toString", "__proto__", "hasOwnProperty"])("finds no %s that isn't there", (key) => {
    expect(own({}, key)).toBeUndefined();
    expect(own(JSON.parse(`{"${key}":"mine"}`) as Record<string, string>, key)).toBe("mine");
  });
});
