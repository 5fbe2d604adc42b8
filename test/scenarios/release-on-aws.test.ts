import { afterAll, beforeAll, expect, it } from "vitest";
import { releaseSalt } from "../../shared/domain/routing/release.ts";
import { bucketOf } from "../../shared/domain/routing/rollout.ts";
import { type BundledCode, bundledCode } from "../support/bundled-code.ts";
import { anEnvironmentOnBundles, COMPONENT } from "../support/bundled-environment.ts";
import type { VersionAnswer } from "../support/bundled-lambda.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";

const why = ["--reason", "faster rule", "--yes"];
const down: VersionAnswer = { errorType: "Down", errorMessage: "no" };
const [FIRST_BASIS_POINTS, LAST_BASIS_POINTS] = [500, 2_500];

let code: BundledCode;
beforeAll(() => {
  code = bundledCode();
});
afterAll(() => code.remove());

withDynamoDB("a release on the bundles, with a store that throttles", (endpoint) => {
  it("is taken back at its 5 % step where it fails for two of three, and all is done once, nobody at a keyboard", async () => {
    const failing = new Set<unknown>();
    const done = new Map<string, number>();
    let throttles: (request: number) => boolean = () => false;
    let requests = 0;
    const environment = await anEnvironmentOnBundles(endpoint, code, {
      run({ version, event }) {
        const { customer } = event.detail.metadata as { customer: string };
        if (version === "2" && failing.has(customer)) return down;
        done.set(event.id, (done.get(event.id) ?? 0) + 1);
        return undefined;
      },
      watch: ({ token }, moment) =>
        token.startsWith("guard/") && moment === "arrived" && throttles(++requests) ? "throttled" : undefined,
    });
    const { lambda, table, deploy, aliases, publish, route, turnout, minute, notices } = environment;
    await deploy("one", { retry: { maxAttempts: 1 } });
    await deploy("two", { retry: { maxAttempts: 1 } });
    const salt = releaseSalt(COMPONENT, await table.head());
    const named = Array.from({ length: 400 }, (_, n) => `customer-${n}`);
    const moved = named.filter((name) => bucketOf(name, salt) < FIRST_BASIS_POINTS).slice(0, 3);
    const others = named.filter((name) => bucketOf(name, salt) >= LAST_BASIS_POINTS).slice(0, 20);
    for (const customer of moved.slice(0, 2)) failing.add(customer);
    const sent: string[] = [];
    /** So many events of those who are moved first, one of each of the others, and a minute. */
    const round = async (each: number) => {
      const customers = [...Array.from({ length: each }, () => moved).flat(), ...others];
      const orders = customers.map((customer, n) => ({
        metadata: { idempotencyKey: `e-${sent.length + n}`, customer },
      }));
      sent.push(...(await publish(...orders)).map(({ id }) => id));
      await route();
      await minute();
    };
    /** The guard, which may fail. */
    const look = () => lambda.invoke("guard", {}).catch(() => undefined);
    const isBack = () => aliases().beta === "1";

    for (let n = 0; n < 3; n++) await round(10);
    const start = ["release", "start", COMPONENT, "--version", "2", "--through", "5%,25%,100%", "--every", "10m"];
    await turnout([...start, "--guard", "undo", "--name", "faster", ...why]);
    await look();
    expect(aliases()).toMatchObject({ stable: "1", beta: "2" });
    const begun = sent.length;

    // Nothing is known, and nothing is done for want of it.
    throttles = () => true;
    for (let n = 0; n < 3; n++) {
      await round(1);
      await look();
    }
    expect(requests).toBeGreaterThan(0);
    expect(aliases()).toMatchObject({ stable: "1", beta: "2" });
    expect(await turnout(["release", "show", "faster"])).toMatchObject([{ state: "running", made: 1 }]);

    // Some of what it asks is refused, and it goes on all the same, at a look or the next.
    throttles = (request) => request % 3 === 0;
    for (let n = 0; n < 10 && !isBack(); n++) {
      await round(1);
      await look();
    }
    expect(aliases()).toMatchObject({ stable: "1", beta: "1" });
    throttles = () => false;
    for (let n = 0; n < 3; n++) {
      await look();
      await minute();
    }
    expect(await turnout(["release", "show", "faster"])).toMatchObject([{ state: "stopped", under_way: false }]);
    expect(sent.slice(begun).length).toBeGreaterThan(0);
    expect(sent.filter((id) => done.get(id) !== 1)).toEqual([]);
    const log = await turnout(["history", "--who", "release/faster"]);
    expect(log.filter(({ move }) => JSON.stringify(move ?? "").includes("rollback"))).not.toEqual([]);
    const types = ["Delivery Dead", "Guard Verdict", "Release Step", "Replay Ended"];
    expect([...new Set(notices().map(({ DetailType }) => DetailType))].toSorted()).toEqual(types);
  });
});
