import { Component } from "../../../shared/domain/routing/component.ts";
import type { RowKey } from "../../../shared/domain/routing/routing-change.ts";
import { itemKeyOf, NAMES } from "../../../shared/routing-table/dynamodb-requests.ts";
import { CUSTOMERS, SOURCE } from "./sample-batch.ts";

export const FUNCTION_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:bench-consumer";

/** The routing table's items at revision 1, as DynamoDB's wire has them: one component, every tenth customer pinned. */
export function routingItems(): object[] {
  const target = { kind: "lambda", functionArn: FUNCTION_ARN };
  const component = Component.parse({
    name: "bench-consumer",
    pattern: { source: [SOURCE] },
    aliases: { stable: { target }, beta: { target } },
  });
  const pin = { alias: "beta", who: "bench", why: "bench", at: "2026-01-01T00:00:00.000Z" };
  const customers = Array.from({ length: CUSTOMERS }, (_, n) =>
    row(`customer#customer-${n}`, { plan: "paid", pins: n % 10 === 0 ? { [component.name]: pin } : {}, cohorts: [] }),
  );
  return [
    { pk: { S: "head" }, sk: { S: "head" }, revision: { N: "1" } },
    { pk: { S: NAMES.pk }, sk: { S: NAMES.sk }, [`component#${component.name}`]: { BOOL: true } },
    row(`component#${component.name}`, component),
    ...customers,
  ];
}

function row(key: RowKey, value: object) {
  const { pk, sk } = itemKeyOf(key);
  return { pk: { S: pk }, sk: { S: sk }, value: { S: JSON.stringify(value) } };
}
