import { isLive, type LaptopLease, LEASE_MS } from "../../shared/domain/routing/laptop-lease.ts";
import type { LaptopStore } from "../../shared/laptop-store/laptop-store.ts";
import { ALIAS, aLaptopWorld } from "../support/laptop-world.ts";
import { done, failed } from "../support/router.ts";
import { seededRandom } from "../support/seeded-random.ts";

const ACTIONS = 40;

/** What is broken on purpose, to see that it is noticed. */
export const laptopBreakages = ["inbox never swept", "lapse unseen", "lease unlocked"] as const;
export type LaptopBreakage = (typeof laptopBreakages)[number];

function damaged(store: LaptopStore, broken: LaptopBreakage | undefined): LaptopStore {
  const leases = async () => {
    const found = await store.leases();
    if (broken !== "lapse unseen") return found;
    return found.map((lease) => ({ ...lease, until: "2100-01-01T00:00:00.000Z", ended: false }));
  };
  const putLease = async (lease: LaptopLease) => {
    if (broken !== "lease unlocked") return store.putLease(lease);
    for (;;) {
      const [stored] = await store.leases();
      const put = await store.putLease({ ...lease, lock: stored?.lock ?? 0 });
      if (put !== undefined) return put;
    }
  };
  return { ...store, leases, putLease };
}

/**
 * Two laptops and a server, with events, code that fails, crashes, sleep, late answers and hand-backs, all drawn from the
 * seed; then all laptops are gone, and time passes.
 * @returns what came of it that may never come
 */
export async function laptopRun(
  seed: number,
  broken?: LaptopBreakage,
): Promise<{ violations: string[]; ran: string[] }> {
  const random = seededRandom(seed);
  const upTo = (most: number) => Math.floor(random() * most);
  const world = await aLaptopWorld({
    laptopsAs: (store) => damaged(store, broken),
    neverSwept: broken === "inbox never swept",
  });
  const { time, effects, publish, serverGoesOn } = world;
  const violations = new Set<string>();
  let sessions = 0;
  let published = 0;
  const begin = () => world.aLaptop(`session ${++sessions}`);
  let laptops = [begin(), begin()];
  /** Those that were killed, and whose code still answers. */
  const gone: typeof laptops = [];

  function noteHolders(): void {
    const holders = laptops.filter(({ listener }) => {
      const lease = listener.lease();
      return lease !== undefined && isLive(lease, time.now());
    });
    if (holders.length > 1) violations.add("two laptops hold one lease");
  }

  for (let action = 0; action < ACTIONS; action++) {
    const index = upTo(laptops.length);
    const laptop = laptops[index];
    if (laptop === undefined) break;
    switch (upTo(10)) {
      case 0:
      case 1:
        await publish(`event ${++published}`);
        break;
      case 2:
      case 3:
        await serverGoesOn();
        break;
      case 4:
        // Both at once, or one of them.
        await Promise.all((random() < 0.5 ? laptops : [laptop]).map(({ listener }) => listener.beat()));
        noteHolders();
        break;
      case 5:
        await laptop.listener.take(1 + upTo(3));
        break;
      case 6:
        await laptop.answer(random() < 0.2 ? failed : done);
        break;
      case 7:
        // Killed, or asleep until its code answers late.
        gone.push(laptop);
        laptops = laptops.with(index, begin());
        break;
      case 8:
        await gone[upTo(gone.length)]?.answer(done);
        break;
      case 9:
        if (random() < 0.3) {
          await laptop.listener.stop("handed back");
          laptops = laptops.with(index, begin());
        } else await time.pass(upTo(random() < 0.3 ? 2 * LEASE_MS : 10_000));
        break;
    }
  }
  // Answers that were on their way when the laptops went: each is told, whatever has become of its attempt meanwhile.
  await time.pass(LEASE_MS);
  await serverGoesOn();
  for (const laptop of [...laptops, ...gone]) while (laptop.running.length > 0) await laptop.answer(done);
  for (let round = 0; round < 12; round++) {
    await time.pass(LEASE_MS);
    await serverGoesOn();
  }

  const entries = await world.ledger();
  if (entries.length !== published) violations.add("an event has no delivery");
  for (const { status, attempts, failures, executedVersion, alias } of entries) {
    if (status !== "done") violations.add(`an event is stuck as ${status}`);
    if (attempts.filter(({ outcome }) => outcome === "done").length > 1) violations.add("an event was done twice");
    if (executedVersion === ALIAS && alias !== ALIAS) violations.add("a late answer has closed another's attempt");
    if (failures > attempts.filter(({ outcome }) => outcome === "failed").length)
      violations.add("a laptop's end is a failure");
  }
  const keys = new Set(effects.map(({ key }) => key));
  if (keys.size !== published) violations.add("an event had no effect");
  for (const key of keys) {
    const onStable = effects.filter((effect) => effect.key === key && effect.at === "stable");
    if (onStable.length > 1) violations.add("the fallback ran an event twice");
  }
  return { violations: [...violations], ran: effects.map(({ at }) => at) };
}
