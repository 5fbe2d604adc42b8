import { expect, it } from "vitest";
import { addedUp } from "../../../shared/domain/health/delivery-count.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { recount } from "../../../shared/flows/watch/recount.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import { aComponent } from "../../support/builders.ts";
import { again, aMessage, aRouter } from "../../support/router.ts";
import { seededRandom } from "../../support/seeded-random.ts";
import { smallLedger } from "../../support/small-ledger.ts";

const components = ["mailer", "invoice"].map((name) =>
  aComponent({ name, pattern: { source: ["shop"] }, retry: { maxAttempts: 12 } }),
);
const error = { type: "Broken", message: "it broke" };

/** Routes 60 events again and again, of which each attempt is done, failed or put off by chance. */
async function aHistory(seed: number) {
  const random = seededRandom(seed);
  const target = async (): Promise<SendResult> => {
    const executedVersion = random() < 0.5 ? "7" : "8";
    const chance = random();
    if (chance < 0.3) return { outcome: "done", executedVersion, durationMs: 5 };
    if (chance < 0.8) return { outcome: "failed", executedVersion, durationMs: 5, error };
    return { outcome: "throttled", error: { type: "NoRoom", message: "no room" } };
  };
  const router = await aRouter({ components, target });
  let messages = Array.from({ length: 60 }, (_, n) => aMessage({ messageId: `m-${n}`, id: `e-${n}` }));
  for (let round = 0; round < 15 && messages.length > 0; round++) {
    const back = await routeBatch(router.ports, messages);
    messages = back.map(({ message }) => again(message));
    await router.time.pass(40_000);
  }
  await router.ports.counter.flush();
  return router;
}

it.each([1, 2, 3, 4, 5])(
  "a recount from the ledger is what was counted, however often each was tried (%i)",
  async (seed) => {
    const { events, time } = await aHistory(seed);
    const all = { from: new Date(0), to: new Date("2100-01-01") };
    const { counts } = await events.counts(all, "minute");
    const counted = [...Map.groupBy(counts, ({ component, version }) => `${component} ${version}`)].flatMap(
      ([key, those]) => {
        const { firsts, failed } = addedUp(those);
        return firsts === 0 ? [] : [[key, firsts, failed]];
      },
    );
    const recounted = await recount(events, all, time.now());
    expect(
      recounted.map(({ component, version, tried, failed }) => [`${component} ${version}`, tried, failed]),
    ).toEqual(counted.toSorted());
    expect(recounted.reduce((sum, { tried }) => sum + tried, 0)).toBeGreaterThan(60);
  },
);

it("a recount of one component is of that alone, and of an event that is stored twice its delivery once", async () => {
  const at = new Date("2026-11-20T10:00:00.000Z");
  const ledger = smallLedger([
    { sent: at, outcome: "failed" },
    { sent: at, version: "10" },
    { sent: at, component: "invoice" },
    { sent: at, outcome: "accepted" },
    { sent: at, entry: { attempts: [{ attempt: 1, at, outcome: "done" }] } },
  ]);
  const events = {
    ...ledger,
    async *records(...asked: Parameters<typeof ledger.records>) {
      for await (const page of ledger.records(...asked)) yield* [page, page];
    },
  };
  const all = { from: at, to: new Date(at.getTime() + 1) };
  const mailers = [
    { component: "mailer", version: "", tried: 1, failed: 0 },
    { component: "mailer", version: "2", tried: 1, failed: 1 },
    { component: "mailer", version: "10", tried: 1, failed: 0 },
  ];
  expect(await recount(events, all, at, "mailer")).toEqual(mailers);
  expect(await recount(events, all, at)).toEqual([
    { component: "invoice", version: "2", tried: 1, failed: 0 },
    ...mailers,
  ]);
});
