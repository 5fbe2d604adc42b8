import type { BatchStatementError } from "@aws-sdk/client-dynamodb";
import { BatchExecuteStatementCommand } from "@aws-sdk/lib-dynamodb";
import { TurnoutError } from "../domain/errors.ts";
import { inChunks, type TableAccess } from "./dynamodb-batches.ts";
import { accessDenied, type DynamoDBTable, PartlyServed, retrying, tableMissing, throttled } from "./dynamodb-retry.ts";

/** A PartiQL statement on one item. */
export type Statement = { Statement: string; Parameters: unknown[] };

export type StatementResult = {
  /** False when its condition didn't hold, or the item that it inserts is there already. */
  applied: boolean;
  /** An earlier try of this same statement may have been applied and its answer lost: it may have refused itself. */
  inDoubt: boolean;
};

/** DynamoDB takes so many statements in one request. */
const STATEMENTS_PER_REQUEST = 25;

/**
 * Executes writes, 1 request per 25, one result per statement in the same order. The items are distinct: DynamoDB
 * refuses a batch that names one twice. A statement that was throttled, met a transaction or an internal error is tried
 * again by itself; a 200 says nothing about the statements in it.
 *
 * @throws TurnoutError for a statement that may not be made or makes no sense, once nothing is under way any more
 */
export async function executeStatements(
  access: TableAccess,
  statements: readonly Statement[],
): Promise<StatementResult[]> {
  const results = await inChunks(statements, STATEMENTS_PER_REQUEST, (chunk) => executeChunk(access, chunk));
  return results.flat();
}

async function executeChunk(access: TableAccess, chunk: readonly Statement[]): Promise<StatementResult[]> {
  const results = chunk.map((): StatementResult => ({ applied: false, inDoubt: false }));
  let left = chunk.map((statement, index) => ({ statement, result: results[index] as StatementResult }));
  await retrying(access, access.table, async () => {
    const Statements = left.map(({ statement }) => statement);
    const request = new BatchExecuteStatementCommand({ Statements });
    const { Responses = [] } = await access.client.send(request).catch((error: unknown) => {
      if (!throttled(error)) for (const { result } of left) result.inDoubt = true;
      throw error;
    });
    const again: { code: string; one: (typeof left)[number] }[] = [];
    left.forEach((one, index) => {
      const error = Responses[index]?.Error;
      const fate = error === undefined ? "applied" : fateOf(error, access.table);
      if (fate === "applied") one.result.applied = true;
      if (fate === "in doubt") one.result.inDoubt = true;
      if (fate === "not served" || fate === "in doubt") again.push({ code: error?.Code ?? "", one });
    });
    left = again.map(({ one }) => one);
    if (left.length > 0) throw new PartlyServed([...new Set(again.map(({ code }) => code))].join(", "));
  });
  return results;
}

type Fate = "refused" | "not served" | "in doubt";

function fateOf({ Code, Message = "" }: BatchStatementError, table: DynamoDBTable): Fate {
  switch (Code) {
    case "ConditionalCheckFailed":
    case "DuplicateItem":
      return "refused";
    case "ThrottlingError":
    case "ProvisionedThroughputExceeded":
    case "RequestLimitExceeded":
    case "TransactionConflict":
      return "not served";
    case "InternalServerError":
      return "in doubt";
    case "AccessDenied":
      throw accessDenied(table, Message);
    case "ResourceNotFound":
      throw tableMissing(table);
    case "ItemCollectionSizeLimitExceeded":
      throw new TurnoutError(
        "failed",
        `The DynamoDB table '${table.name}' has a local secondary index, which limits what one key may hold to 10 GB, ` +
          "and that is full. Turnout's tables have no index: remove it by making the table anew.",
      );
    default:
      throw new TurnoutError(
        "failed",
        `The DynamoDB table '${table.name}' refused a write as ${Code ?? "unknown"}: ${Message}. Trying again won't ` +
          "help. Look whether the table has the string keys 'pk' and 'sk', and report this with the message.",
      );
  }
}
