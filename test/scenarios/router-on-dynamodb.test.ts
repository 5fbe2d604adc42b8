import type { Context, SQSEvent } from "aws-lambda";
import { expect, it, onTestFinished } from "vitest";
import { routerHandler } from "../../functions/router.ts";
import type { LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { eventKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import type { SubjectRow } from "../../shared/domain/routing/subject-rows.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { lambdaTarget } from "../../shared/targets/lambda-target.ts";
import { aComponent, anEvent, aPin, bodyOf } from "../support/builders.ts";
import { countRequests, withDynamoDB } from "../support/dynamodb-local.ts";
import { dynamodbProxy } from "../support/dynamodb-proxy.ts";
import { aNewRoutingTable, aRoutingTable } from "../support/dynamodb-routing.ts";
import { lambdaClient, lambdaStub } from "../support/lambda-stub.ts";

const functionArn = "arn:aws:lambda:eu-west-1:123456789012:function:release-coordinator";
const aliases = ["stable", "beta", "experimental"] as const;
const versions: Record<string, string> = { stable: "22", beta: "23", experimental: "24" };

withDynamoDB("routers on DynamoDB and Lambda", (endpoint) => {
  /** An installation: one routing table, one event store, one function in three versions; routers come later. */
  async function anInstallation() {
    const { table, tableName } = await aNewRoutingTable(endpoint);
    const database = openDatabase(":memory:");
    onTestFinished(() => database.close());
    const events = sqliteEventStore(database);
    const lambda = await lambdaStub(({ qualifier }) => ({ executedVersion: versions[qualifier ?? ""] ?? "none" }));
    const target = { kind: "lambda" as const, functionArn };
    const component = aComponent({ aliases: Object.fromEntries(aliases.map((alias) => [alias, { target }])) });
    await change(table, { kind: "apply component", component });

    /** A router instance with its own clients and its own cache. Returns a handler of one batch of events. */
    function aRouter(at = endpoint) {
      const { table: routing, client } = aRoutingTable(at, tableName);
      const handler = routerHandler(
        withCounter({
          routing: routingCache(routing),
          events,
          target: lambdaTarget({ client: lambdaClient(lambda.endpoint), now: () => new Date() }),
          now: () => new Date(),
          random: Math.random,
          newId: () => crypto.randomUUID(),
          // The only wait is that of closes for their neighbours.
          delay: () => new Promise(() => {}),
          report: () => {},
          onError: () => {},
          queue: { changeVisibility: async () => {} },
        }),
      );
      const route = async (...batch: Parameters<typeof anEvent>[0][]) => {
        const answer = await handler({ Records: batch.map(aRecord) }, {
          getRemainingTimeInMillis: () => 60_000,
        } as Context);
        expect(answer).toEqual({ batchItemFailures: [] });
      };
      return { route, requests: countRequests(client) };
    }

    /** The ledger entries of these events, in the same order. */
    async function ledger(...ids: string[]): Promise<LedgerEntry[]> {
      const keys = ids.map((id) => eventKeyOf("shop", "order placed", id));
      const found = await events.deliveriesOf(keys);
      return keys.flatMap((key) => found.get(key) ?? []);
    }
    return { table, tableName, lambda, aRouter, ledger };
  }

  const pin = (alias: string, why: string): RoutingEdit => {
    const until = "2099-01-01T00:00:00.000Z";
    const ended = aPin({ alias, why, until });
    return { kind: "pin", level: "customer", id: "acme", component: "release-coordinator", pin: ended };
  };

  it("invoke the alias that a customer is pinned to, and put the version that ran into the ledger", async () => {
    const { table, lambda, aRouter, ledger } = await anInstallation();
    await change(table, pin("beta", "trying it"));
    await change(table, { kind: "set customer", project: "acme/site", customer: "acme" });
    const { route } = aRouter();
    await route({ id: "1", customer: "acme" }, { id: "2", customer: "globex" }, { id: "3", project: "acme/site" });
    const sent = lambda.invocations.map(({ payload, ...to }) => ({ ...to, event: JSON.parse(payload) }));
    expect(sent.every((to) => to.functionArn === functionArn && to.type === "RequestResponse")).toBe(true);
    expect(new Map(sent.map(({ qualifier, event }) => [event.id, qualifier]))).toEqual(
      new Map([
        ["1", "beta"],
        ["2", "stable"],
        ["3", "beta"],
      ]),
    );
    expect(await ledger("1", "2", "3")).toMatchObject([
      { status: "done", alias: "beta", because: "customer pin", executedVersion: "23", routingRevision: 3 },
      { status: "done", alias: "stable", because: "default alias", executedVersion: "22", routingRevision: 3 },
      { status: "done", alias: "beta", because: "customer pin", executedVersion: "23", routingRevision: 3 },
    ]);
  });

  it("read nothing but the head for a batch that they are warm for", async () => {
    const { table, aRouter } = await anInstallation();
    await change(table, { kind: "set plan", customer: "acme", plan: "paid" });
    const { route, requests } = aRouter();
    const batch = (name: string) => Array.from({ length: 10 }, (_, n) => ({ id: `${name}-${n}`, customer: "acme" }));
    const spent = async (name: string) => {
      const before = requests();
      await route(...batch(name));
      return Object.fromEntries(Object.entries(requests()).map(([key, count]) => [key, count - (before[key] ?? 0)]));
    };
    // Cold: head; list of components, components, customer and source, the plan that the customer names.
    expect(await spent("cold")).toEqual({ GetItem: 1, TransactGetItems: 4 });
    expect(await spent("warm")).toEqual({ GetItem: 1, TransactGetItems: 0 });
    await change(table, pin("beta", "trying it"));
    expect(await spent("after a pin")).toEqual({ GetItem: 1, Query: 1, TransactGetItems: 1 });
    expect(await spent("warm again")).toEqual({ GetItem: 1, Query: 0, TransactGetItems: 0 });
  });

  it("throw away rows that a pin overtook on their way", async () => {
    const { table, aRouter, ledger } = await anInstallation();
    const proxy = await dynamodbProxy(endpoint);
    const { route } = aRouter(proxy.endpoint);
    await route({ id: "warm up", customer: "globex" });
    // The first batch's rows are read, then pinned anew and read by a second batch, and only then arrive.
    proxy.faults("TransactGetItems", async (forward) => {
      const answer = await forward();
      await change(table, pin("beta", "trying it"));
      await route({ id: "second", customer: "acme" });
      return answer;
    });
    await route({ id: "first", customer: "acme" });
    await route({ id: "third", customer: "acme" });
    const entries = await ledger("first", "second", "third");
    expect(entries.map(({ alias, routingRevision }) => [alias, routingRevision])).toEqual([
      ["beta", 2],
      ["beta", 2],
      ["beta", 2],
    ]);
  });

  it("obey a pin in every batch that starts after its commit was answered, on every instance", async () => {
    const { table, tableName, lambda, aRouter, ledger } = await anInstallation();
    const operators = 2;
    const pins = 20;
    // What happened in which order: every entry is made in the same turn of the event loop as what it tells of.
    const story: ({ answered: number } | { started: string })[] = [];
    let busy = operators;

    const operating = Array.from({ length: operators }, async (_, operator) => {
      const { table: own } = aRoutingTable(endpoint, tableName);
      for (let n = 0; n < pins; n++) {
        const alias = aliases[(n + operator) % aliases.length] ?? "stable";
        const { revision } = await change(own, pin(alias, `${operator}-${n}`));
        story.push({ answered: revision });
      }
      busy -= 1;
    });
    // Three instances, each with two batches at a time.
    const instances = Array.from({ length: 3 }, () => aRouter());
    const routing = [...instances, ...instances].map(async ({ route }, lane) => {
      for (let n = 0, last = false; !last; n++) {
        last = busy === 0;
        const id = `${lane}-${n}`;
        story.push({ started: id });
        await route({ id, customer: "acme" });
      }
    });
    await Promise.all([...operating, ...routing]);

    // The alias that acme was pinned to at each revision; before the first pin, the default.
    const pinned = new Map([[1, "stable"]]);
    for (const { revision, rows } of await table.changesAfter(1, 1_000)) {
      const acme = rows.find(({ key }) => key === "customer#acme")?.after as SubjectRow;
      pinned.set(revision, acme.pins["release-coordinator"]?.alias ?? "none");
    }
    expect(pinned.size).toBe(1 + operators * pins);

    const started = story.flatMap((event) => ("started" in event ? [event.started] : []));
    const used = new Map((await ledger(...started)).map((entry, n) => [started[n], entry]));
    const invoked = new Map(lambda.invocations.map(({ qualifier, payload }) => [JSON.parse(payload).id, qualifier]));
    let answered = 1;
    for (const event of story) {
      if ("answered" in event) answered = Math.max(answered, event.answered);
      else {
        const entry = used.get(event.started);
        expect(entry?.routingRevision).toBeGreaterThanOrEqual(answered);
        expect(entry?.alias).toBe(pinned.get(entry?.routingRevision ?? 0));
        expect(invoked.get(event.started)).toBe(entry?.alias);
        expect(entry?.executedVersion).toBe(versions[entry?.alias ?? ""]);
      }
    }
    // It was a race: batches went by many of the revisions, and the last ones by the last.
    expect(new Set([...used.values()].map(({ routingRevision }) => routingRevision)).size).toBeGreaterThan(pins / 2);
    expect(answered).toBe(1 + operators * pins);
  });
});

let changes = 0;

function change(table: RoutingTable, edit: RoutingEdit) {
  changes += 1;
  const at = new Date("2026-11-20T10:00:00.000Z");
  return changeRoutes(table, { edit, changeId: `change-${changes}`, who: "ada", why: "a test", command: "test", at });
}

function aRecord(about: Parameters<typeof anEvent>[0] = {}): SQSEvent["Records"][number] {
  return {
    messageId: `message-${about.id}`,
    receiptHandle: `receipt-${about.id}`,
    body: bodyOf(anEvent(about)),
    attributes: {
      ApproximateReceiveCount: "1",
      SentTimestamp: String(Date.parse("2026-11-20T10:00:00.000Z")),
      SenderId: "a service",
      ApproximateFirstReceiveTimestamp: "0",
    },
    messageAttributes: {},
    md5OfBody: "",
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:live",
    awsRegion: "eu-west-1",
  };
}
