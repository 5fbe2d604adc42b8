import middy from "@middy/core";
import { TurnoutError } from "../shared/domain/errors.ts";
import { type CommitAnswer, type CommitCall, readCommitCall } from "../shared/domain/routing/commit-call.ts";
import type { RoutingTable } from "../shared/routing-table/routing-table.ts";

/**
 * The Lambda handler that commits operators' changes. They may call it and may not write the table: IAM can't say of an
 * item that is put that it must be a new one, and whoever may add to the change log by himself could write it anew.
 */
export function committerHandler(table: Pick<RoutingTable, "commit">) {
  return middy<CommitCall, CommitAnswer>().handler(async (input) => {
    const call = readCommitCall(input);
    if (!call.ok)
      return { refused: { kind: "usage", message: `The change can't be read: ${call.problem}.`, remedies: [] } };
    try {
      return { result: await table.commit(call.value.change, call.value.expectedRevision) };
    } catch (error) {
      if (!(error instanceof TurnoutError)) throw error;
      const { kind, message, remedies } = error;
      return { refused: { kind, message, remedies } };
    }
  });
}
