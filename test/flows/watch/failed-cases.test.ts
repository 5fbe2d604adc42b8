import { expect, it } from "vitest";
import { MAX_EVENT_CHARS } from "../../../shared/domain/health/trait-index.ts";
import { eventOf } from "../../../shared/flows/watch/failed-cases.ts";
import { aRecord } from "../../support/builders.ts";

const ofLength = (length: number) => `{"a":"${"x".repeat(length - 8)}"}`;

it.each([
  ["an object", '{"a":1}', { event: { a: 1 } }],
  ["as large as it may be", ofLength(MAX_EVENT_CHARS), { event: { a: expect.any(String) } }],
  ["larger", ofLength(MAX_EVENT_CHARS + 1), {}],
  ["no JSON", "{", {}],
  ["a text", '"an event"', {}],
  ["null", "null", {}],
])("an event that is %s is looked into only where that says something of it", (_, body, seen) => {
  expect(eventOf(aRecord({ body }))).toEqual(seen);
});

it("an event whose body can't be had is not looked into", () => {
  expect(eventOf(aRecord({ body: "{}", unavailable: "its file is gone" }))).toEqual({});
});
