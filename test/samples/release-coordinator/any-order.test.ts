import fc from "fast-check";
import { expect, test } from "vitest";
import type { Rule } from "../../../functions/samples/release-coordinator/release-rule.ts";
import { rule as version22 } from "../../../functions/samples/release-coordinator/version-22.ts";
import { rule as version23 } from "../../../functions/samples/release-coordinator/version-23.ts";
import { rule as version24 } from "../../../functions/samples/release-coordinator/version-24.ts";
import {
  aCheckRun,
  aCheckSuite,
  aDeploymentStatus,
  aPush,
  applyAll,
  shaOf,
  stateInMemory,
  type Webhook,
} from "./webhook-builders.ts";

// Few commits, seconds and names, so that events are often about the same thing at the same time.
const sha = fc.constantFrom("a", "b", "c", "d").map(shaOf);
const second = fc.integer({ min: 0, max: 5 });
const conclusion = fc.constantFrom(null, "success", "failure", "skipped", "neutral");
const state = fc.constantFrom("success", "failure", "in_progress", "inactive");

const webhook: fc.Arbitrary<Webhook> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(sha, second).map(([s, at]) => aPush(s, at)) },
  { weight: 1, arbitrary: fc.tuple(sha, second).map(([s, at]) => aPush(s, at, { forced: true })) },
  { weight: 3, arbitrary: fc.tuple(sha, second, conclusion).map((args) => aCheckRun(...args)) },
  {
    weight: 3,
    arbitrary: fc.tuple(sha, second, conclusion, fc.constantFrom(1, 2)).map((args) => aCheckSuite(...args)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(sha, second, state, fc.constantFrom("staging", "production"))
      .map((args) => aDeploymentStatus(...args)),
  },
);

/** Webhooks, and the same ones in another order with some of them twice. */
const story = fc.array(webhook, { minLength: 1, maxLength: 14 }).chain((webhooks) =>
  fc.tuple(
    fc.constant(webhooks),
    fc
      .subarray(webhooks)
      .chain((again) => fc.shuffledSubarray([...webhooks, ...again], { minLength: webhooks.length + again.length })),
  ),
);

const versions: [string, Rule][] = [version22, version23, version24].map((rule) => [rule.version, rule]);

test.each(versions)("version %s chooses the same commit for the same events in any order, with repeats", (_, rule) => {
  let released = 0;
  fc.assert(
    fc.property(story, ([inOrder, otherwise]) => {
      const { release } = applyAll(rule, inOrder);
      if (release !== null) released += 1;
      expect(applyAll(rule, otherwise).release).toBe(release);
    }),
    { numRuns: 150 },
  );
  expect(released).toBeGreaterThan(30);
});

test("a mix of versions followed by a replay through one version ends where that version alone ends", () => {
  fc.assert(
    fc.property(story, fc.array(fc.constantFrom(...versions), { minLength: 1 }), ([live, replayed], mix) => {
      const shared = stateInMemory();
      live.forEach((webhook, n) => {
        applyAll(mix[n % mix.length]?.[1] ?? version22, [webhook], shared);
      });
      expect(applyAll(version22, replayed, shared).release).toBe(applyAll(version22, live).release);
    }),
    { numRuns: 100 },
  );
});
