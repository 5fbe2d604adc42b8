import { TurnoutError } from "../errors.ts";
import type { EventSource } from "../events/event.ts";
import { isSubjectKey, type SubjectKey } from "../subject.ts";
import type { LoggedMove } from "./alias-move.ts";
import type { CohortRegister } from "./cohort.ts";
import type { Component } from "./component.ts";
import type { Guardrails } from "./guardrails.ts";
import type { SubjectRow } from "./subject-rows.ts";
import type { UnreadableRow } from "./unreadable-row.ts";

/** The number of a routing change; 0 is the empty table. */
export type Revision = number;

export type SourceKey = `source#${string}`;
export type ComponentKey = `component#${string}`;
/** Rows of which there is one each. */
export type CohortsKey = "settings#cohorts";
export type GuardrailsKey = "settings#guardrails";
export type RowKey = SubjectKey | SourceKey | ComponentKey | CohortsKey | GuardrailsKey;

/** The keys of rows of which there is one each. */
export const settingsKeys = ["settings#cohorts", "settings#guardrails"] as const satisfies readonly (
  | CohortsKey
  | GuardrailsKey
)[];

export function isRowKey(key: string): key is RowKey {
  return isSubjectKey(key) || /^(component|source)#/.test(key) || settingsKeys.some((known) => known === key);
}

/** The keys of one kind of rows, by the word before the #. */
export type KeyOf<Kind extends string> = Extract<RowKey, `${Kind}#${string}`>;

export function isKeyOf<Kind extends string>(kind: Kind, key: RowKey): key is KeyOf<Kind> {
  return key.startsWith(`${kind}#`);
}

/** The type of the row that stands under a key. */
export type RowAt<K extends RowKey> = K extends ComponentKey
  ? Component
  : K extends SourceKey
    ? EventSource
    : K extends CohortsKey
      ? CohortRegister
      : K extends GuardrailsKey
        ? Guardrails
        : SubjectRow;
export type Row = RowAt<RowKey>;

/** What the table holds under a key. */
export type StoredRow<K extends RowKey = RowKey> = RowAt<K> | UnreadableRow;

/** One row before and after a change; null stands for no row. */
export type RowChange<K extends RowKey = RowKey> = {
  key: K;
  before: StoredRow<K> | null;
  after: StoredRow<K> | null;
};

/** One change of routing: who did what, when and why, and the rows it touched. */
export type RoutingChange = {
  /** Drawn once per change. A conflict with one's own id is a success whose answer was lost. */
  changeId: string;
  at: Date;
  /** The AWS identity, or the operating system's user. */
  who: string;
  why: string;
  /** The command as typed, for the record. */
  command: string;
  /** It went past a guardrail or a freeze with `--force`. */
  forced?: boolean;
  rows: RowChange[];
  /** The move of an alias that it tells of. It touches no rows: which version an alias points at stands in the catalog. */
  move?: LoggedMove;
};

export type ChangeLogEntry = RoutingChange & {
  revision: Revision;
  /** What is wrong with an entry that can't be read. Which rows it changed is then not known. */
  unreadable?: string;
};

export type CommitResult =
  | { committed: true; revision: Revision }
  /** Another change came first; nothing was applied. */
  | { committed: false; head: Revision; winner: ChangeLogEntry };

/** Most rows of one change: DynamoDB takes 100 items in a transaction; head and log entry are two of them. */
export const MAX_ROWS_PER_CHANGE = 90;

/** Text of a change with its rows, in UTF-8 bytes: far below DynamoDB's 400 KB per item and 4 MB per transaction. */
export const MAX_CHANGE_BYTES = 300 * 1024;

/**
 * Refuses what one change can't hold, in every store alike.
 * @param entry the change as it is logged, as JSON text
 * @throws TurnoutError `not allowed` with what is too much
 */
export function refuseOversized(change: RoutingChange, entry: string): void {
  const { rows } = change;
  if (rows.length > MAX_ROWS_PER_CHANGE) {
    throw new TurnoutError(
      "not allowed",
      `The change touches ${rows.length} rows; one change takes at most ${MAX_ROWS_PER_CHANGE}. Make it as several changes.`,
    );
  }
  const bytes = Buffer.byteLength(entry);
  if (bytes > MAX_CHANGE_BYTES) {
    throw new TurnoutError(
      "not allowed",
      `The change has ${bytes} bytes of rows before and after; one change takes at most ${MAX_CHANGE_BYTES}. ` +
        "Make it as several changes, or the rows smaller.",
    );
  }
  const twice = rows.find(({ key }, index) => rows.findIndex((row) => row.key === key) !== index);
  if (twice !== undefined) throw new TurnoutError("not allowed", `The change names the row '${twice.key}' twice.`);
}
