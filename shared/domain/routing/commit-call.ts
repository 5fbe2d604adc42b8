import * as z from "zod/mini";
import { TurnoutError } from "../errors.ts";
import { Instant, type Read, read } from "../text/schema.ts";
import type { ChangeLogEntry, CommitResult, Revision, RoutingChange } from "./routing-change.ts";

/** A routing change on its way to the one that commits it for somebody who may not write the table. */
export type CommitCall = { change: RoutingChange; expectedRevision: Revision };

/** What became of it; `refused` is an error that its maker is told. */
export type CommitAnswer = { result: CommitResult } | { refused: Refused };
type Refused = Pick<TurnoutError, "kind" | "message" | "remedies">;

// What the rows are, the table looks at.
const Change = z.looseObject({
  changeId: z.string().check(z.minLength(1)),
  at: Instant,
  who: z.string(),
  why: z.string(),
  command: z.string(),
  rows: z.array(z.strictObject({ key: z.string(), before: z.unknown(), after: z.unknown() })),
});

const Call = z.strictObject({ change: Change, expectedRevision: z.int().check(z.minimum(0)) });

/** Reads a call as it came, as JSON. */
export function readCommitCall(input: unknown): Read<CommitCall> {
  const call = read(Call, input);
  if (!call.ok) return call;
  const { change, expectedRevision } = call.value;
  return { ok: true, value: { change: { ...change, at: new Date(change.at) } as RoutingChange, expectedRevision } };
}

/** The result in an answer as it came, as JSON. @throws TurnoutError what was refused */
export function resultIn(answer: CommitAnswer): CommitResult {
  if ("refused" in answer) throw errorOf(answer.refused);
  const { result } = answer;
  if (result.committed) return result;
  const winner: ChangeLogEntry = { ...result.winner, at: new Date(result.winner.at) };
  return { ...result, winner };
}

function errorOf({ kind, message, remedies }: Refused): TurnoutError {
  return new TurnoutError(kind, message, { remedies });
}
