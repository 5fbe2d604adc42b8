import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { TurnoutError } from "../domain/errors.ts";
import { type CommitAnswer, type CommitCall, resultIn } from "../domain/routing/commit-call.ts";
import type { CommitResult } from "../domain/routing/routing-change.ts";
import type { RoutingTable } from "./routing-table.ts";

export type CommittedByFunctionOptions = {
  /** Tries requests again by itself: a change that comes twice is known by its id, and made once. */
  client: Pick<LambdaClient, "send">;
  functionName: string;
};

/** Calls of one change: the first may have met a function that was just ending. */
const MAX_CALLS = 3;

/** A routing table that is read as it is, and written by a function alone. */
export function committedByFunction(
  table: RoutingTable,
  { client, functionName }: CommittedByFunctionOptions,
): RoutingTable {
  async function commit(call: CommitCall): Promise<CommitResult> {
    const Payload = JSON.stringify(call);
    let error = "";
    for (let calls = 1; calls <= MAX_CALLS; calls++) {
      const answer = await client.send(new InvokeCommand({ FunctionName: functionName, Payload }));
      const text = Buffer.from(answer.Payload ?? []).toString();
      if (answer.FunctionError === undefined) return resultIn(JSON.parse(text) as CommitAnswer);
      error = text;
    }
    throw new TurnoutError(
      "failed",
      `It is not known whether the change was made: ${functionName} ended with an error (${error}). ` +
        "Look at the change log before you make it again.",
    );
  }
  return { ...table, commit: (change, expectedRevision) => commit({ change, expectedRevision }) };
}
