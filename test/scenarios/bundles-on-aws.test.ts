import { writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LEASE_MS } from "../../shared/domain/routing/laptop-lease.ts";
import { sqsEventQueue } from "../../shared/event-queue/sqs-event-queue.ts";
import { anEvent, anOrdersKey, bodyOf } from "../support/builders.ts";
import { type BundledCode, bundledCode } from "../support/bundled-code.ts";
import { anEnvironmentOnBundles, COMPONENT, VISIBILITY_MS } from "../support/bundled-environment.ts";
import { routerKills } from "../support/bundled-kills.ts";
import type { VersionAnswer, VersionCall } from "../support/bundled-lambda.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { aListener } from "../support/listener-process.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { sqsClient, sqsStub } from "../support/sqs-stub.ts";
import { temporaryFolder } from "../support/tmp.ts";

/** Section 20 of the design. */
const MAX_ROUTER_BYTES = 500_000;

/** The first is what the router always carries. */
const TARGETS = {
  lambda: "shared/targets/lambda-target.ts",
  http: "shared/targets/http/http-target.ts",
  sqs: "shared/targets/sqs-target.ts",
  "step-functions": "shared/targets/step-functions-target.ts",
  ecs: "shared/targets/ecs-target.ts",
  laptop: "shared/targets/laptop-target.ts",
};

const EVENTS = 2_000;
const KILLS = 8;
const HOUR_MS = 3_600_000;

const why = ["--reason", "a test", "--yes"];
const down: VersionAnswer = { errorType: "Down", errorMessage: "no" };

let code: BundledCode;
beforeAll(() => {
  code = bundledCode();
});
afterAll(() => code.remove());

describe("a function's bundle", () => {
  it("holds no more than the function needs", () => {
    expect([...code.entries.keys()]).toContain("router");
    for (const [entry, { all, eager, left }] of code.entries) {
      expect([entry, eager.filter((module) => module.includes("@aws-sdk/client-s3/"))]).toEqual([entry, []]);
      expect([entry, all.filter((module) => module.includes("sqlite"))]).toEqual([entry, []]);
      // Lambda has no other modules than Node's own.
      expect([entry, left.filter((module) => !isBuiltin(module))]).toEqual([entry, []]);
    }
    // Only what is loaded on first use reads XML.
    expect(code.entries.get("router")?.eager.filter((module) => module.includes("@aws-sdk/xml-builder/"))).toEqual([]);
    expect(code.entries.get("router")?.eagerBytes).toBeLessThanOrEqual(MAX_ROUTER_BYTES);
  });

  it("loads the code of a kind of target with the first event for one, and no other kind's", () => {
    const router = code.entries.get("router");
    const kinds = Object.entries(TARGETS);
    const within = (modules: readonly string[] = []) =>
      kinds.filter(([, file]) => modules.includes(file)).map(([kind]) => kind);
    expect(within(router?.all)).toEqual(kinds.map(([kind]) => kind));
    expect(within(router?.eager)).toEqual(["lambda"]);
    for (const [kind, file] of kinds.slice(1)) expect(within(router?.firstUse(file))).toEqual([kind]);
    // Hosts of versions are another installation's.
    expect(router?.all.filter((module) => /^shared\/targets\/(worker|process)\//.test(module))).toEqual([]);
  });
});

describe("the SQS stub", () => {
  it("hands out no more than may be in flight", async () => {
    const stub = await sqsStub(1_000, { maxInFlight: 15 });
    const queue = sqsEventQueue({ client: sqsClient(stub.endpoint), queueUrl: stub.queueUrl });
    const now = new Date();
    await queue.send(
      Array.from({ length: 30 }, (_, n) => String(n)),
      now,
    );
    const receive = () => queue.receive(10, VISIBILITY_MS, now);
    const [first, second, third] = [await receive(), await receive(), await receive()];
    expect([first, second, third].map(({ length }) => length)).toEqual([10, 5, 0]);
    await queue.delete(second.map(({ receiptHandle }) => receiptHandle));
    expect(await receive()).toHaveLength(5);
  });
});

withDynamoDB("the bundles on DynamoDB, SQS, S3 and Lambda", (endpoint) => {
  it("tell the whole story: publish, pin, fail, retry, dead, replay, promote, rollback", async () => {
    const broken = new Set(["2"]);
    const environment = await anEnvironmentOnBundles(endpoint, code, {
      run: ({ version }) => (broken.has(version) ? down : undefined),
    });
    const { lambda, deploy, upload, aliases, publish, route, turnout, minute, pass, deliveriesOf } = environment;
    /** What the versions were called with since it was last asked. */
    const called = () => lambda.calls.splice(0).map(toldOf);

    // Longer than a message may wait in the queue, so that the sweeper has to bring it back.
    const retry = { maxAttempts: 3, baseDelayMs: HOUR_MS, maxDelayMs: HOUR_MS };
    expect(await deploy("one", { retry })).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: COMPONENT });
    expect(aliases()).toEqual({ stable: "1", beta: "1", experimental: "1" });

    await publish(anOrder("first", "acme"));
    await route();
    expect(lambda.metrics()).toMatchObject([
      { part: "router", Received: 1, FirstAttempts: 1 },
      { component: COMPONENT, component_version: "1", FirstAttempts: 1, Duration: [expect.any(Number)] },
    ]);
    expect(lambda.calls).toMatchObject([
      {
        event: {
          source: "shop",
          "detail-type": "order placed",
          turnout: { component: COMPONENT, alias: "stable", routingRevision: 1, subject: { customer: "acme" } },
        },
      },
    ]);
    expect(called()).toEqual([{ ...live("first"), qualifier: "stable", version: "1", because: "default alias" }]);
    expect(await deliveriesOf("first")).toMatchObject([
      { status: "done", alias: "stable", executedVersion: "1", routingRevision: 1 },
    ]);

    upload("two");
    await turnout(["publish-version", COMPONENT, "--alias", "beta", ...why]);
    await turnout(["pin", "--customer", "acme", "--component", COMPONENT, "--to", "beta", ...why]);
    await publish(anOrder("second", "acme"), anOrder("third", "globex"));
    await route();
    const failing = { ...live("second"), qualifier: "beta", version: "2", because: "customer pin" };
    expect(called()).toEqual(
      expect.arrayContaining([
        failing,
        { ...live("third"), qualifier: "stable", version: "1", because: "default alias" },
      ]),
    );
    expect(await deliveriesOf("second")).toMatchObject([
      {
        status: "failed",
        failures: 1,
        alias: "beta",
        because: "customer pin",
        executedVersion: "2",
        error: { type: "Down" },
      },
    ]);

    const redelivered = [];
    for (const attempt of [2, 3]) {
      pass(HOUR_MS);
      redelivered.push((await minute()).redelivered);
      await route();
      expect(called()).toEqual([{ ...failing, attempt }]);
    }
    expect(redelivered).toEqual([1, 1]);
    const [dead] = await deliveriesOf("second");
    expect(dead?.attempts.map(({ attempt, outcome, version }) => `${attempt} ${outcome} ${version}`)).toEqual([
      "1 failed 2",
      "2 failed 2",
      "3 dead 2",
    ]);
    pass(HOUR_MS);
    expect(lambda.deliveries().filter(({ outcome }) => outcome === "dead")).toMatchObject([
      { component: COMPONENT, component_version: "2", customer_id: "acme", attempt: 3, "error.type": "Down" },
    ]);
    expect(await minute()).toEqual({ redelivered: 0, expired: 0 });

    // Mended, and finished where it had arrived.
    upload("three");
    await turnout(["publish-version", COMPONENT, "--alias", "beta", ...why]);
    const startReplay = ["replay", "start", "--since", "1d", "--detach", ...why];
    await turnout([...startReplay, "--name", "mend", "--status", "dead", "--mode", "finish"]);
    await lambda.settled();
    expect(called()).toEqual([
      { ...live("second"), qualifier: "beta", version: "3", because: "customer pin", attempt: 4, replay: "mend" },
    ]);
    expect(await deliveriesOf("second")).toMatchObject([{ status: "done", generation: "live", executedVersion: "3" }]);

    // All of the customer's once more, in a generation of its own.
    await turnout([...startReplay, "--name", "again", "--customer", "acme"]);
    await lambda.settled();
    const again = { qualifier: "beta", version: "3", because: "customer pin", generation: "again", replay: "again" };
    expect(called()).toEqual([
      { ...live("first"), ...again, idempotencyKey: anOrdersKey("first", "again") },
      { ...live("second"), ...again, idempotencyKey: anOrdersKey("second", "again") },
    ]);
    expect(await deliveriesOf("second")).toMatchObject([
      { status: "done", generation: "live" },
      { status: "done", generation: "again", executedVersion: "3" },
    ]);
    pass(HOUR_MS);
    await minute();
    expect(await turnout(["replay", "list"])).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ replay: "mend", status: "done" }),
        expect.objectContaining({ replay: "again", status: "done" }),
      ]),
    );
    expect(called()).toEqual([]);

    await turnout(["promote", COMPONENT, "beta", "stable", ...why]);
    await publish(anOrder("fourth", "globex"));
    await route();
    expect(called()).toMatchObject([{ id: "fourth", qualifier: "stable", version: "3" }]);
    await turnout(["rollback", COMPONENT, "stable", ...why]);
    await publish(anOrder("fifth", "globex"));
    await route();
    expect(called()).toMatchObject([{ id: "fifth", qualifier: "stable", version: "1" }]);
    const [[fourth], [fifth]] = await Promise.all([deliveriesOf("fourth"), deliveriesOf("fifth")]);
    expect([fourth?.executedVersion, fifth?.executedVersion]).toEqual(["3", "1"]);
    expect(aliases()).toEqual({ stable: "1", beta: "3", experimental: "1" });
    expectQuiet(lambda);
  });

  it("take back a version that fails, and finish what it left, with nobody at a keyboard", async () => {
    const run = ({ version }: VersionCall) => (version === "2" ? down : undefined);
    const { lambda, deploy, upload, aliases, publish, route, turnout, minute, deliveriesOf, notices } =
      await anEnvironmentOnBundles(endpoint, code, { run });
    await deploy("one", { retry: { maxAttempts: 1 } });
    const pinned = ["acme", "globex", "initech"];
    for (const customer of pinned) {
      await turnout(["pin", "--customer", customer, "--component", COMPONENT, "--to", "beta", ...why]);
    }
    let sent = 0;
    /** Events of all customers, and a minute. */
    const round = async (each: number) => {
      const customers = [
        ...Array.from({ length: each }, () => pinned).flat(),
        ...Array.from({ length: 20 }, () => "z"),
      ];
      await publish(...customers.map((customer) => anOrder(`e-${++sent}`, customer)));
      await route();
      await minute();
    };
    for (let n = 0; n < 3; n++) await round(10);
    upload("two");
    await turnout(["publish-version", COMPONENT, "--alias", "beta", ...why]);
    await turnout(["guard", "set", COMPONENT, "beta", "--mode", "undo", ...why]);
    const first = sent + 1;
    for (let n = 0; n < 5; n++) await round(1);
    expect(await deliveriesOf(`e-${first}`)).toMatchObject([{ status: "dead", executedVersion: "2" }]);
    await lambda.invoke("guard", {});
    expect(aliases()).toMatchObject({ stable: "1", beta: "1" });
    const told = await turnout(["guard", "show", COMPONENT]);
    expect(told).toContainEqual(
      expect.objectContaining({ component_version: "2", verdict: "worse", trip: expect.objectContaining({ to: "1" }) }),
    );
    await minute();
    await minute();
    for (let n = first; n < first + 3; n++) {
      expect(await deliveriesOf(`e-${n}`)).toMatchObject([{ status: "done", executedVersion: "1" }]);
    }
    const types = ["Delivery Dead", "Guard Verdict", "Replay Ended"];
    expect([...new Set(notices().map(({ DetailType }) => DetailType))].sort()).toEqual(types);
    const dead = notices().find(({ DetailType }) => DetailType === "Delivery Dead");
    expect(JSON.parse(dead?.Detail ?? "{}")).toMatchObject({
      component: COMPONENT,
      version: "2",
      event: { source: "shop" },
    });
  });

  it("store a large event in S3, and deliver it whole", async () => {
    const { queues, now, deploy, route, lambda, s3, records, minute } = await anEnvironmentOnBundles(endpoint, code);
    await deploy("one");
    const random = seededRandom(1);
    const noise = Array.from({ length: 80_000 }, () => random().toString(36).slice(2, 11)).join("");
    await queues.live.send([bodyOf(anEvent({ id: "large", detail: { noise } }))], now());
    await route();
    expect(lambda.calls).toMatchObject([{ event: { id: "large", detail: { noise } } }]);
    expect(s3.objects.size).toBe(1);
    expect(await records()).toMatchObject([{ id: "large", body: expect.stringContaining(noise) }]);
    expect(await minute()).toEqual({ redelivered: 0, expired: 0 });
    expectQuiet(lambda);
  });

  it("take what asynchronous versions' destinations tell", async () => {
    let fails = true;
    const environment = await anEnvironmentOnBundles(endpoint, code, { run: () => (fails ? down : undefined) });
    const { deploy, publish, route, takeOutcomes, minute, passUntilVisible, pass, deliveriesOf, lambda } = environment;
    const invocation = { kind: "async", maxEventAgeMs: 60_000 };
    await deploy("one", { invocation, retry: { maxAttempts: 3, baseDelayMs: HOUR_MS, maxDelayMs: HOUR_MS } });
    await publish(anOrder("later", "acme"));
    await route();
    expect(lambda.calls).toMatchObject([{ type: "Event", qualifier: "stable", version: "1" }]);
    expect(await deliveriesOf("later")).toMatchObject([{ status: "accepted", attempt: 1 }]);
    await takeOutcomes();
    expect(await deliveriesOf("later")).toMatchObject([{ status: "failed", failures: 1, executedVersion: "1" }]);
    fails = false;
    pass(HOUR_MS);
    expect(await minute()).toEqual({ redelivered: 1, expired: 0 });
    passUntilVisible();
    await route();
    await takeOutcomes();
    expect(await deliveriesOf("later")).toMatchObject([{ status: "done", attempt: 2 }]);
    expectQuiet(lambda);
  });

  it("bring a customer's events to a laptop that listens by the CLI, and what it leaves to the fallback", async () => {
    const environment = await anEnvironmentOnBundles(endpoint, code);
    const { deploy, publish, route, takeOutcomes, minute, pass, deliveriesOf, lambda, cliVariables } = environment;
    await deploy("one");
    const listen = () => aListener([COMPONENT, aSlowFolder(), "--customer", "acme"], cliVariables());
    const decidedAgain = async () => {
      for (const _ of ["what was left", "what is due"]) {
        await takeOutcomes();
        await minute();
      }
      await route();
    };
    const onStable = (reason: RegExp) => {
      const gone = { type: "Laptop.Gone", message: expect.stringMatching(reason) };
      const told = [{ outcome: "postponed", error: gone }, { outcome: "done" }];
      const attempts = expect.arrayContaining(told.map((one) => expect.objectContaining(one)));
      return [{ status: "done", alias: "stable", executedVersion: "1", failures: 0, lapses: 0, attempts }];
    };

    const first = await listen();
    await publish(anOrder("quick", "acme"), anOrder("theirs", "globex"));
    await route();
    await first.until(() => first.said("ended").length === 1);
    await takeOutcomes();
    expect(await deliveriesOf("quick")).toMatchObject([
      { status: "done", alias: "laptop-ada", executedVersion: "laptop-ada", attempt: 1 },
    ]);
    expect(lambda.calls.map(({ event }) => event.detail.id)).toEqual(["theirs"]);

    // Ctrl-C with one in hand.
    await publish(anOrder("slow", "acme"));
    await route();
    await first.until(() => first.said("arrived").length === 2);
    expect(await first.end("SIGINT")).toBe(0);
    await decidedAgain();
    expect(await deliveriesOf("slow")).toMatchObject(onStable(/^handed back by .*ada on /));

    // Killed with one in hand and one that waits.
    const second = await listen();
    await publish(anOrder("slow too", "acme"));
    await route();
    await second.until(() => second.said("arrived").length === 1);
    await publish(anOrder("waits", "acme"));
    await second.end("SIGKILL");
    await route();
    expect(await deliveriesOf("waits")).toMatchObject([{ status: "accepted", alias: "laptop-ada" }]);
    pass(LEASE_MS);
    await publish(anOrder("late", "acme"));
    await route();
    expect(await deliveriesOf("late")).toMatchObject([{ status: "done", alias: "stable", attempt: 1 }]);
    await decidedAgain();
    for (const id of ["slow too", "waits"])
      expect(await deliveriesOf(id)).toMatchObject(onStable(/^laptop lease lapsed \d\d:/));
    expect(lambda.late).toEqual([]);
  });

  it("close as dead what takes its router down each time, when the queue gives it up", async () => {
    const environment = await anEnvironmentOnBundles(endpoint, code, {
      maxReceiveCount: 3,
      watch: ({ token, operation }, moment) => {
        if (operation !== "Invoke" || moment !== "arrived") return undefined;
        void environment.lambda.kill(token);
        return "lost";
      },
    });
    const { deploy, publish, route, bury, pass, deliveriesOf, lambda, queues, now } = environment;
    await deploy("one");
    await publish(anOrder("deadly", "acme"));
    for (let receive = 1; receive <= 3; receive++) {
      await route();
      expect(await deliveriesOf("deadly")).toMatchObject([{ status: "claimed", attempt: receive }]);
      pass(VISIBILITY_MS);
    }
    await route();
    expect(lambda.startsOf("router")).toBe(3);
    await bury();
    expect(await deliveriesOf("deadly")).toMatchObject([{ status: "dead", error: { type: "QueueGaveUp" } }]);
    expect(lambda.calls).toEqual([]);
    expect(await queues.live.depth(now())).toEqual({ visible: 0, inFlight: 0, dead: 0 });
    expect(await queues.dead.depth(now())).toEqual({ visible: 0, inFlight: 0, dead: 0 });
  });

  it("finish the move of an alias that a deployment has left when it died", async () => {
    let dies = false;
    const environment = await anEnvironmentOnBundles(endpoint, code, {
      watch: ({ token, operation }) => {
        if (!dies || operation !== "PUT aliases/" || !token.startsWith("component-resource/")) return undefined;
        void environment.lambda.kill(token);
        return "lost";
      },
    });
    const { deploy, aliases, minute, table } = environment;
    await deploy("one");
    dies = true;
    await expect(deploy("two")).rejects.toThrow("component-resource ended before it answered");
    expect(aliases()).toMatchObject({ experimental: "1" });
    await minute();
    await minute();
    expect(aliases()).toMatchObject({ experimental: "2" });
    expect((await table.changesAfter(1, 10)).map(({ who, move }) => `${who}: ${move?.to} ${move?.stage}`)).toEqual([
      "cloudformation: 2 intended",
      "turnout: 2 settled",
    ]);
  });

  it("lose no event, and have every effect once, when routers are killed at random moments", async () => {
    const ids = Array.from({ length: EVENTS }, (_, n) => `order-${n}`);
    const flaky = new Set(ids.filter((_, n) => n % 50 === 7));
    const effects = new Map<string, string>();
    const runs = new Map<string, number>();
    const kills = routerKills({
      kills: KILLS,
      events: EVENTS,
      random: seededRandom(20261121),
      kill: (token) => environment.lambda.kill(token),
    });
    const environment = await anEnvironmentOnBundles(endpoint, code, {
      routers: 2,
      // Two batches, and those that a killed router has left.
      maxInFlight: 50,
      run({ event: { id, turnout } }) {
        runs.set(id, (runs.get(id) ?? 0) + 1);
        if (flaky.has(id) && turnout.attempt === 1) return down;
        // A version that does nothing a second time for the same key.
        if (!effects.has(turnout.idempotencyKey)) effects.set(turnout.idempotencyKey, id);
        return undefined;
      },
      watch: kills.watch,
    });
    const { deploy, queues, route, minute, pass, passUntilVisible, live: sqs, lambda, store, now } = environment;
    await deploy("one", { retry: { maxAttempts: 5, baseDelayMs: 500, maxDelayMs: 5_000 } });
    await queues.live.send(
      ids.map((id, n) => bodyOf(anEvent({ id, project: `acme/site-${n % 6}` }))),
      now(),
    );

    for (;;) {
      const before = kills.done.length;
      await route();
      // What a killed router had is hidden for as long as Lambda's source hides it; then it comes among the rest.
      if (kills.done.length > before) pass(VISIBILITY_MS);
      const { visible, inFlight } = await queues.live.depth(now());
      if (visible > 0) continue;
      if (inFlight > 0) passUntilVisible();
      else if ((await store.due(new Date(now().getTime() + 24 * HOUR_MS), 1)).length > 0) await minute();
      else break;
    }

    expect(kills.done).toHaveLength(KILLS);
    expect(lambda.startsOf("router")).toBeGreaterThanOrEqual(KILLS + 1);
    expect([...effects.values()].toSorted()).toEqual(ids.toSorted());
    expect([...runs.keys()].toSorted()).toEqual(ids.toSorted());
    // Versions did get events again whose answers were lost.
    expect([...runs].filter(([id, count]) => count > (flaky.has(id) ? 2 : 1)).length).toBeGreaterThan(0);
    expect(sqs.nextVisible()).toBeUndefined();
    expect(await queues.dead.depth(now())).toMatchObject({ visible: 0, inFlight: 0 });
    const { statuses, counting, lapsed } = await atRest(environment);
    expect(statuses).toEqual(new Map([["done", EVENTS]]));
    expect(counting).toEqual(new Map([[1, EVENTS]]));
    expect(lapsed).toBeGreaterThan(0);
    expect(lambda.late).toEqual([]);
  });
});

/** Code that never ends an event that is slow. */
function aSlowFolder(): string {
  const folder = temporaryFolder();
  const handler = `export const handler = async ({ detail: { id } }) => {
    if (id.startsWith("slow")) await new Promise(() => {});
  };`;
  writeFileSync(join(folder, "index.mjs"), handler);
  return folder;
}

type Environment = Awaited<ReturnType<typeof anEnvironmentOnBundles>>;

/** What records and ledger say of all events; each delivery has one record that counts for it. */
async function atRest({ store, records }: Environment) {
  const statuses = new Map<string, number>();
  const counting = new Map<number, number>();
  let lapsed = 0;
  const found = Map.groupBy(await records(), ({ eventKey }) => eventKey);
  for (const [eventKey, entries] of await store.deliveriesOf([...found.keys()])) {
    for (const entry of entries) {
      statuses.set(entry.status, (statuses.get(entry.status) ?? 0) + 1);
      const matching = found.get(eventKey)?.filter(({ t0 }) => t0.getTime() === entry.t0.getTime()).length ?? 0;
      counting.set(matching, (counting.get(matching) ?? 0) + 1);
      if (entry.lapses > 0) lapsed += 1;
    }
  }
  return { statuses, counting, lapsed };
}

function anOrder(id: string, customer: string) {
  return { id, metadata: { idempotencyKey: id, customer } };
}

/** What a version gets of an order the first time. */
function live(id: string) {
  return {
    id,
    functionName: `prod-${COMPONENT}`,
    type: "RequestResponse",
    ...firstTime,
    idempotencyKey: anOrdersKey(id),
  };
}
const firstTime = { attempt: 1, generation: "live", replay: null };

function toldOf({ event, ...call }: VersionCall) {
  const { alias, because, idempotencyKey, generation, attempt, replay } = event.turnout;
  expect(alias).toBe(call.qualifier);
  return { ...call, id: event.detail.id, because, idempotencyKey, generation, attempt, replay };
}

/** Nobody had any trouble, and nothing was left behind after an answer. */
function expectQuiet({ logs, late }: Environment["lambda"]): void {
  expect(logs()).toBe("");
  expect(late).toEqual([]);
}
