import fc from "fast-check";
import { noCounts, type SkipReason } from "../../shared/domain/replays/replay.ts";
import { type CountedItem, withCounted } from "../../shared/domain/replays/replay-counts.ts";

export const target = { component: "mailer", alias: "stable", version: "22" };
export const sent = (state: "done" | "dead" | "open", about = {}): CountedItem => ({
  kind: "sent",
  state,
  ...target,
  ...about,
});
export const skip = (reason: SkipReason): CountedItem => ({ kind: "skip", reason });

export const anItem: fc.Arbitrary<CountedItem> = fc.oneof(
  fc.constantFrom<SkipReason>("duplicate", "done already", "not at rest").map(skip),
  fc
    .record({
      state: fc.constantFrom("done", "dead", "open"),
      component: fc.constantFrom("mailer", "billing"),
      alias: fc.constantFrom("stable", "beta"),
      version: fc.constantFrom("", "22", "23"),
    })
    .map(({ state, ...about }) => sent(state as "done", about)),
);

export const countsOf = (items: readonly CountedItem[]) => withCounted(noCounts(), items.length, items);
