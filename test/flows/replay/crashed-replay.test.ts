import { describe, expect, it } from "vitest";
import type { Replay } from "../../../shared/domain/replays/replay.ts";
import { aComponent } from "../../support/builders.ts";
import type { When } from "../../support/port-calls.ts";
import { mortal } from "../../support/replay-crash.ts";
import { aReplayer } from "../../support/replayer.ts";
import { failed, turnoutOf } from "../../support/router.ts";

const components = [aComponent(), aComponent({ name: "mailer", retry: { nonRetryableErrors: ["Broken"] } })];

/**
 * A window with most of what there is, and consumers that do a thing once per key. All are dead at the mailer; event
 * 3 fails at its first attempt in a replay at the coordinator; event 4 is a duplicate.
 */
async function aWindow(request: Partial<Replay> = {}) {
  const effects = new Map<string, number>();
  const doneTwice: string[] = [];
  let fixed = false;
  const replayer = await aReplayer({
    components,
    async target(send) {
      const { idempotencyKey, publisherKey, attempt, generation } = turnoutOf(send);
      if (send.component === "mailer" && !fixed) return failed;
      const isThird = publisherKey === "event-3";
      const fails = isThird && send.component !== "mailer" && generation !== "live" && attempt === 1;
      if (fails) return { ...failed, error: { type: "Hiccup", message: "once" } };
      const key = `${send.component} ${idempotencyKey}`;
      effects.set(key, (effects.get(key) ?? 0) + 1);
      return { outcome: "done", executedVersion: "22", durationMs: 1 };
    },
  });
  const project = "site";
  await replayer.arrive({ project }, { project: "api" }, { project });
  await replayer.arrive({ id: "event-4", idempotencyKey: "event-1", project });
  fixed = true;
  await replayer.time.pass(60_000);
  effects.clear();
  await replayer.start({ ratePerSecond: 10, ...request });
  const { ledger } = replayer;
  /** What there is to see of it once it has ended: counts, effects, and what the ledger says. */
  async function end() {
    const { progress } = await replayer.run();
    const entries = await ledger();
    for (const { deliveryKey, attempts } of entries) {
      if (attempts.filter(({ outcome }) => outcome === "done").length > 1) doneTwice.push(deliveryKey);
    }
    return {
      counts: progress.counts,
      keys: [...effects.keys()].toSorted(),
      statuses: entries.map(({ deliveryKey, status }) => `${status} ${deliveryKey}`),
      doneTwice,
    };
  }
  return { ...replayer, effects, end };
}

const requests: [string, Partial<Replay>][] = [
  ["rerun", { mode: "rerun" }],
  ["finish", { mode: "finish" }],
];
const whens: When[] = ["before", "after"];

describe.each(requests)("a replay (%s) whose process ends at any of its calls", (_, request) => {
  it.each(whens)("%s its effect, ends as if it had never happened, with nothing done twice", async (when) => {
    const whole = await aWindow(request);
    const counter = mortal(whole.ports, Infinity, when);
    await whole.run("replay-1", () => true, counter.ports);
    const expected = await whole.end();
    expect(expected.doneTwice).toEqual([]);
    expect(counter.calls()).toBeGreaterThan(40);

    for (let n = 0; n < counter.calls(); n++) {
      const { ports, run, time, end } = await aWindow(request);
      const doomed = mortal(ports, n, when);
      await run("replay-1", () => true, doomed.ports, doomed.died);
      // Whatever it held has lapsed when the next one looks.
      await time.pass(120_000);
      expect({ n, ...(await end()) }).toEqual({ n, ...expected });
    }
  });
});
