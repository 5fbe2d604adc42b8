import { setTimeout as delay } from "node:timers/promises";
import { LambdaClient } from "@aws-sdk/client-lambda";
import type { Context } from "aws-lambda";
import { expect, it, onTestFinished } from "vitest";
import { committerHandler } from "../../functions/committer.ts";
import type { CommitCall } from "../../shared/domain/routing/commit-call.ts";
import { committedByFunction } from "../../shared/routing-table/committed-by-function.ts";
import { dynamodbRoutingTable } from "../../shared/routing-table/dynamodb-routing-table.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { aSubjectRow } from "../support/builders.ts";
import { textOf } from "../support/bundled-wire.ts";
import { createTable, dynamodbClient, withDynamoDB } from "../support/dynamodb-local.ts";
import { aChange, aNewRoutingTable, damageIn } from "../support/dynamodb-routing.ts";
import { stubServer } from "../support/stub-server.ts";
import { describeRoutingTable } from "./routing-table.contract.ts";

const FUNCTION = "prod-turnout-committer";

/** Lambda with one function. It ends badly as often as it is told: before its work, or after it. */
async function aCommitter(table: RoutingTable) {
  const handler = committerHandler(table);
  const crashes: ("before" | "after")[] = [];
  const calls: unknown[] = [];
  const endpoint = await stubServer((request, response) => {
    void (async () => {
      const call = JSON.parse(await textOf(request)) as CommitCall;
      calls.push(call);
      const crash = crashes.shift();
      const answer = crash === "before" ? undefined : await handler(call, {} as Context);
      if (crash !== undefined) response.setHeader("x-amz-function-error", "Unhandled");
      const body = crash === undefined ? answer : { errorType: "Runtime.ExitError", errorMessage: "exited" };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  const credentials = { accessKeyId: "turnout", secretAccessKey: "turnout" };
  const client = new LambdaClient({ endpoint, region: "eu-west-1", credentials, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return { table: committedByFunction(table, { client, functionName: FUNCTION }), client, crashes, calls };
}

withDynamoDB("the routing table that a function commits to", (endpoint) => {
  const shared = { name: undefined as Promise<string> | undefined };

  describeRoutingTable("DynamoDB Local, by the committer", async () => {
    const clients = [dynamodbClient(endpoint), dynamodbClient(endpoint)] as const;
    shared.name ??= createTable(clients[0]);
    const tableName = await shared.name;
    const retry = { maxAttempts: 20, baseDelayMs: 10, maxDelayMs: 200 };
    const [table, other] = await Promise.all(
      clients.map((client) =>
        aCommitter(dynamodbRoutingTable({ client, tableName, retry, random: Math.random, delay })),
      ),
    );
    if (table === undefined || other === undefined) throw new Error("no table");
    return {
      table: table.table,
      another: async () => other.table,
      damage: damageIn(clients[0], tableName),
      close: async () => {
        for (const client of clients) client.destroy();
      },
    };
  });

  it.each(["before", "after"] as const)("makes a change once whose function ended %s it was made", async (when) => {
    const { table, crashes, calls } = await aCommitter((await aNewRoutingTable(endpoint)).table);
    crashes.push(when);
    const change = aChange("one", { "customer#acme": aSubjectRow({ plan: "paid" }) });
    expect(await table.commit(change, 0)).toEqual({ committed: true, revision: 1 });
    expect(calls).toHaveLength(2);
    expect(await table.changesAfter(0, 10)).toEqual([{ ...change, revision: 1 }]);
  });

  it("fails with what to do when the function goes on ending badly", async () => {
    const { table, crashes } = await aCommitter((await aNewRoutingTable(endpoint)).table);
    crashes.push("before", "before", "before");
    await expect(table.commit(aChange("one"), 0)).rejects.toThrow(
      /It is not known whether the change was made: prod-turnout-committer ended with an error .*Look at the change log/,
    );
  });

  it("tells its caller what a table refuses, and of what kind it is", async () => {
    const { table } = await aCommitter((await aNewRoutingTable(endpoint)).table);
    const rows = Object.fromEntries(Array.from({ length: 91 }, (_, n) => [`project#${n}`, aSubjectRow()]));
    await expect(table.commit(aChange("many", rows), 0)).rejects.toMatchObject({
      kind: "not allowed",
      message: expect.stringContaining("91 rows"),
    });
  });

  it.each<[string, object]>([
    ["that isn't one", {}],
    ["without an id", { change: { ...aChange(""), at: "2026-11-20T10:00:00.000Z" }, expectedRevision: 0 }],
    ["at no time", { change: { ...aChange("one"), at: "now" }, expectedRevision: 0 }],
    ["before the beginning", { change: { ...aChange("one"), at: "2026-11-20T10:00:00.000Z" }, expectedRevision: -1 }],
    [
      "of rows that aren't any",
      { change: { ...aChange("one"), at: "2026-11-20T10:00:00.000Z", rows: ["customer#1"] }, expectedRevision: 0 },
    ],
  ])("refuses a change %s, and nothing is written", async (_, call) => {
    const { table } = await aNewRoutingTable(endpoint);
    const answer = await committerHandler(table)(call as CommitCall, {} as Context);
    expect(answer).toMatchObject({ refused: { kind: "usage", message: expect.stringContaining("can't be read") } });
    expect(await table.head()).toBe(0);
  });
});
