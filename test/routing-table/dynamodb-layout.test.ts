import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { expect, it } from "vitest";
import { LAYOUT, NewerLayout } from "../../shared/domain/layout.ts";
import { aComponent, aSubjectRow } from "../support/builders.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { aChange, aNewRoutingTable, putRows } from "../support/dynamodb-routing.ts";

withDynamoDB("the layout of a routing table on DynamoDB", (endpoint) => {
  /** A table with two changes, whose head then says that layout; undefined: none. */
  async function aTableOf(layout: number | undefined) {
    const { table, client, tableName } = await aNewRoutingTable(endpoint);
    await putRows(table, { "component#release-coordinator": aComponent() });
    await putRows(table, { "customer#acme": aSubjectRow({ plan: "paid" }) });
    const head = { TableName: tableName, Key: { pk: "head", sk: "head" } };
    const says = async () => {
      const request = { ...head, UpdateExpression: "SET seen = :yes", ExpressionAttributeValues: { ":yes": true } };
      return (await client.send(new UpdateCommand({ ...request, ReturnValues: "ALL_NEW" }))).Attributes?.layout;
    };
    const set =
      layout === undefined
        ? { UpdateExpression: "REMOVE layout" }
        : { UpdateExpression: "SET layout = :layout", ExpressionAttributeValues: { ":layout": layout } };
    const written = await says();
    await client.send(new UpdateCommand({ ...head, ...set }));
    return { table, written, says };
  }

  it("is said by its head since its first change", async () => {
    const { written } = await aTableOf(undefined);
    expect(written).toBe(LAYOUT);
  });

  it("a routing table without a number is read as it is, and has one from the next change on", async () => {
    const { table, says } = await aTableOf(undefined);
    expect((await table.rows(["customer#acme"])).rows.get("customer#acme")).toMatchObject({ plan: "paid" });
    expect(await says()).toBeUndefined();
    await putRows(table, { "customer#globex": aSubjectRow() });
    expect(await says()).toBe(LAYOUT);
  });

  it("a routing table that is newer is refused by every read and every change, with what to do", async () => {
    const { table, says } = await aTableOf(LAYOUT + 1);
    const refused = expect.objectContaining({
      name: NewerLayout.name,
      kind: "not allowed",
      message: expect.stringMatching(
        /^The routing table '.*' has layout \d+; this Turnout knows up to \d+\. Use the newer/,
      ),
    });
    await expect(table.head()).rejects.toEqual(refused);
    await expect(table.rows(["customer#acme"])).rejects.toEqual(refused);
    await expect(table.components()).rejects.toEqual(refused);
    // The condition, too: a change that was planned before the table was taken over.
    await expect(table.commit(aChange("late", { "customer#globex": aSubjectRow() }), 2)).rejects.toEqual(refused);
    expect(await says()).toBe(LAYOUT + 1);
  });
});
