import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { dynamodbRoutingTable } from "../../shared/routing-table/dynamodb-routing-table.ts";
import { aComponent, aSubjectRow } from "../support/builders.ts";
import { countRequests, createTable, dynamodbClient, withDynamoDB } from "../support/dynamodb-local.ts";
import { aChange, aNewRoutingTable, damageIn, putRows } from "../support/dynamodb-routing.ts";
import { describeRoutingTable } from "./routing-table.contract.ts";

withDynamoDB("the routing table on DynamoDB", (endpoint) => {
  const shared = { name: undefined as Promise<string> | undefined };

  describeRoutingTable("DynamoDB Local", async () => {
    const clients = [dynamodbClient(endpoint), dynamodbClient(endpoint)] as const;
    shared.name ??= createTable(clients[0]);
    const tableName = await shared.name;
    const retry = { maxAttempts: 20, baseDelayMs: 10, maxDelayMs: 200 };
    const [table, other] = clients.map((client) =>
      dynamodbRoutingTable({ client, tableName, retry, random: Math.random, delay }),
    );
    if (table === undefined || other === undefined) throw new Error("no table");
    return {
      table,
      another: async () => other,
      damage: damageIn(clients[0], tableName),
      close: async () => {
        for (const client of clients) client.destroy();
      },
    };
  });

  /** A table with some rows, and the requests of one call on it. */
  async function requestsOf(call: (table: Awaited<ReturnType<typeof aNewRoutingTable>>["table"]) => Promise<unknown>) {
    const { table, client } = await aNewRoutingTable(endpoint);
    await putRows(table, { "component#a": aComponent({ name: "a" }), "source#shop": { source: "shop" } });
    await putRows(table, { "project#a": aSubjectRow({ customer: "acme" }), "customer#acme": aSubjectRow() });
    const requests = countRequests(client);
    await call(table);
    return requests();
  }

  it("reads the head with one request", async () => {
    expect(await requestsOf((table) => table.head())).toEqual({ GetItem: 1 });
  });

  it("reads up to 99 rows with one request, and as many more with another", async () => {
    const keys = Array.from({ length: 100 }, (_, n) => `project#${n}` as const);
    expect(await requestsOf((table) => table.rows(["project#a", "component#a"]))).toEqual({ TransactGetItems: 1 });
    expect(await requestsOf((table) => table.rows(keys.slice(0, 99)))).toEqual({ TransactGetItems: 1 });
    expect(await requestsOf((table) => table.rows(keys))).toEqual({ TransactGetItems: 2 });
  });

  it("reads the components with two requests, and none with one", async () => {
    expect(await requestsOf((table) => table.components())).toEqual({ TransactGetItems: 2 });
    const { table, client } = await aNewRoutingTable(endpoint);
    const requests = countRequests(client);
    expect(await table.components()).toEqual({ revision: 0, components: [], unreadable: [], usersHaveRows: false });
    expect(requests()).toEqual({ TransactGetItems: 1 });
  });

  it("reads the changes up to a known head with one request, and to an unknown one with two", async () => {
    expect(await requestsOf((table) => table.changesAfter(0, 2))).toEqual({ Query: 1 });
    expect(await requestsOf((table) => table.changesAfter(0, 10))).toEqual({ Query: 1, GetItem: 1 });
    expect(await requestsOf((table) => table.changesAfter(0, 0))).toEqual({});
  });

  it("lists the subjects of a level with one request per shard", async () => {
    expect(await requestsOf((table) => Array.fromAsync(table.subjects("project")))).toEqual({ Query: 8 });
  });

  it("commits with one request, and loses with two", async () => {
    expect(await requestsOf((table) => table.commit(aChange("x", { "project#a": null }), 2))).toEqual({
      TransactWriteItems: 1,
    });
    expect(await requestsOf((table) => table.commit(aChange("x", { "project#a": null }), 1))).toEqual({
      TransactWriteItems: 1,
      TransactGetItems: 1,
    });
  });

  it("refuses a change that is too large before it sends anything", async () => {
    const rows = Object.fromEntries(Array.from({ length: 91 }, (_, n) => [`project#${n}`, aSubjectRow()]));
    const requests = await requestsOf(async (table) => {
      await expect(table.commit(aChange("x", rows), 2)).rejects.toThrow(/91 rows/);
    });
    expect(requests).toEqual({});
  });
});
