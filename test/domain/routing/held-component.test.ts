import { expect, it } from "vitest";
import { heldComponent } from "../../../shared/domain/routing/held-component.ts";
import { UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";

const held = (text: string) => heldComponent({ name: "mailer", row: new UnreadableRow("is broken", text) });

it("a component whose row can't be read waits for its repair with patience, and says what is wrong with it", () => {
  expect(held("{")).toMatchObject({
    name: "mailer",
    problem: "is broken",
    component: { name: "mailer", retry: { maxAttempts: 100, maxDelayMs: 300_000, maxAgeMs: 1_209_600_000 } },
  });
});

it("it has its own events where its pattern can be read, and otherwise any may be", () => {
  const { matches } = held('{"pattern":{"source":["shop"]},"aliases":7}');
  expect([matches?.({ source: "shop" }), matches?.({ source: "till" })]).toEqual([true, false]);
  for (const text of ["{", "null", "7", "{}", '{"pattern":7}', '{"pattern":{"source":"shop"}}'])
    expect(held(text).matches).toBeUndefined();
});
