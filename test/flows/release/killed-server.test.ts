import { expect, it } from "vitest";
import { deliveryCounter } from "../../../shared/flows/deliver/count-deliveries.ts";
import { routeBatch } from "../../../shared/flows/deliver/route-batch.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import { aGuardedRelease } from "../../support/guarded-release.ts";
import { eventually } from "../../support/port-calls.ts";
import { again, aMessage } from "../../support/router.ts";

/** What is broken on purpose, to see that it is noticed. */
type Breakage = "what was in hand is forgotten" | "the step is forgotten";

/**
 * A healthy release under traffic whose server is killed between its two steps: routing caches, what wasn't counted yet and
 * what was in hand are gone, and a server that knows nothing but what is stored goes on.
 * @returns what became of the release, and of events that weren't done once
 */
async function killedBetweenSteps(
  broken?: Breakage,
): Promise<{ end: string | undefined; stable: string | null; wrong: number }> {
  const world = await aGuardedRelease({
    steps: [
      { kind: "share", basisPoints: 2_500 },
      { kind: "share", basisPoints: 7_500 },
    ],
  });
  const { time, calls, events, table } = world;
  let router = world.ports;
  let sent = 0;
  const messages = () =>
    Array.from({ length: 24 }, (_, n) => {
      sent += 1;
      return aMessage({ id: `k-${sent}`, messageId: `k-${sent}`, customer: `other-${n % 20}`, sentAt: time.now() });
    });
  const until = async (made: number) => {
    for (let round = 0; round < 20 && (await world.release())?.ended === undefined; round++) {
      if (((await world.release())?.made ?? 0) >= made) return;
      for (let minute = 0; minute < 3; minute++) {
        await routeBatch(router, messages());
        await time.pass(10_000);
      }
      await router.counter.flush();
      await world.look();
      await world.advance();
    }
  };
  await until(1);
  const before = await world.component();

  const held = calls.hold("send release-coordinator");
  const inHand = messages();
  void routeBatch(router, inHand);
  await eventually(held.reached);
  router = {
    ...router,
    routing: routingCache(table),
    counter: deliveryCounter({ ...router, events, newId: () => "born again" }),
  };
  if (broken === "the step is forgotten" && before?.release !== undefined) {
    const row = { ...before, release: { ...before.release, made: 0, own: [] } };
    await world.change({ kind: "put rows", rows: [{ key: `component#${before.name}`, row }] });
  }
  await time.pass(120_000);
  if (broken !== "what was in hand is forgotten") await routeBatch(router, inHand.map(again));
  await until(3);
  for (let look = 0; look < 3; look++) await world.advance();

  const entries = new Map((await world.ledger()).map((entry) => [entry.eventKey, entry]));
  const records = (await world.records()).filter(({ id }) => id.startsWith("k-"));
  const wrong = records.filter(({ eventKey }) => {
    const attempts = entries.get(eventKey)?.attempts ?? [];
    return (
      entries.get(eventKey)?.status !== "done" || attempts.filter(({ outcome }) => outcome === "done").length !== 1
    );
  });
  return {
    end: (await world.release())?.ended?.how,
    stable: world.versionOf("stable"),
    wrong: wrong.length + sent - records.length,
  };
}

it("a healthy release whose server is killed between two steps brings everybody to its version, and each event is done once", async () => {
  expect(await killedBetweenSteps()).toEqual({ end: "done", stable: "24", wrong: 0 });
});

it.each([
  ["what was in hand is forgotten", { end: "done", stable: "24", wrong: 1 }],
  ["the step is forgotten", { end: undefined, stable: "22", wrong: 0 }],
] as const)("it is noticed where %s", async (broken, found) => {
  expect(await killedBetweenSteps(broken)).toEqual(found);
});
