import { GuardrailHit, RevisionConflict } from "../../domain/errors.ts";
import { type Guardrails, guardrailsIn, type Impact } from "../../domain/routing/guardrails.ts";
import { type LeftPlace, revertChanges } from "../../domain/routing/revert-row.ts";
import type { Revision, RowChange, RowKey } from "../../domain/routing/routing-change.ts";
import {
  applyEdit,
  isNeverRefused,
  keysOf,
  objectionsTo,
  type RoutingEdit,
} from "../../domain/routing/routing-edit.ts";
import type { RoutingTable } from "../../routing-table/routing-table.ts";
import { LOST, lostRaces } from "../lost-races.ts";

/** Who changes the routing, why, with which command and when; and the revision it was planned on, if that matters. */
export type ChangeRequest = {
  edit: RoutingEdit;
  changeId: string;
  who: string;
  why: string;
  command: string;
  at: Date;
  /** Refuses the change when the head is another one. Default: whatever the head is. */
  expectedRevision?: Revision;
  /** What the change was found to do to those the guardrails watch over. Other guardrails since are a conflict. */
  checked?: GuardrailCheck;
  /** Goes past a freeze and the guardrails. Logged as forced if there was anything to go past. */
  force?: boolean;
};

/** Who a change moves, as of a revision and the guardrails that stood then. */
export type GuardrailCheck = { revision: Revision; guardrails: Guardrails; impacts: readonly Impact[] };

/** What a change would do, and the guardrails as of the same revision. No rows: everything is so already. */
export type PlannedChange = {
  revision: Revision;
  rows: RowChange[];
  guardrails: Guardrails;
  /** Of a revert: what it leaves as it is. */
  left?: LeftPlace[];
};
/** What a change has done. No rows: everything was so already. */
export type MadeChange = { revision: Revision; rows: RowChange[] };

/** Works out what an edit would do to the rows as they are now. Changes nothing. */
export async function planChange(table: RoutingTable, edit: RoutingEdit, now: Date): Promise<PlannedChange> {
  const { revision, rows } = await table.rows([...new Set<RowKey>([...keysOf(edit), "settings#guardrails"])]);
  const known = "component" in edit && !rows.has(`component#${componentName(edit)}`) ? await names(table) : [];
  const guardrails = guardrailsIn(rows.get("settings#guardrails"));
  const stored = <K extends RowKey>(key: K) => rows.get(key);
  if (edit.kind === "revert") return { revision, ...revertChanges(edit.changes, stored), guardrails };
  return { revision, rows: applyEdit(edit, stored, known, now), guardrails };
}

/**
 * Commits an edit as one change. Without an expected revision a lost race is planned again on the newer rows.
 * @returns the revision and rows; no rows when nothing had to change
 * @throws RevisionConflict, GuardrailHit, and what `applyEdit` throws
 */
export async function changeRoutes(table: RoutingTable, request: ChangeRequest): Promise<MadeChange> {
  const { edit, expectedRevision, checked, force = false, ...meta } = request;
  return lostRaces(
    async () => {
      const planned = await planChange(table, edit, request.at);
      const expected = expectedRevision ?? planned.revision;
      if (expected !== planned.revision) throw await revisionConflict(table, expected, planned.revision);
      const { rows } = planned;
      if (rows.length === 0) return { revision: expected, rows };
      if (checked !== undefined && !isNeverRefused(edit) && !sameBudgets(checked.guardrails, planned.guardrails)) {
        throw await revisionConflict(table, checked.revision, planned.revision);
      }
      // The guardrails are of the revision that the commit is conditional on: no freeze can slip in between.
      const objections = objectionsTo(edit, planned.guardrails, checked?.impacts ?? []);
      if (objections.length > 0 && !force) throw new GuardrailHit(objections);
      const forced = objections.length > 0 ? { forced: true } : {};
      const result = await table.commit({ ...meta, ...forced, rows }, expected);
      if (result.committed) return { revision: result.revision, rows };
      if (expectedRevision !== undefined) throw await revisionConflict(table, expected, result.head);
      return LOST;
    },
    { left: "Nothing was changed. Try again when it is quieter." },
  );
}

/** The error that names the change which came after the expected revision. */
export async function revisionConflict(
  table: RoutingTable,
  expected: Revision,
  head: Revision,
): Promise<RevisionConflict> {
  const [winner] = await table.changesAfter(Math.max(expected, head - 1), 1);
  return new RevisionConflict(expected, head, winner);
}

/** A freeze needs no counting, so that it may have come in between. */
function sameBudgets({ freeze: _, ...a }: Guardrails, { freeze: __, ...b }: Guardrails): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function componentName(edit: RoutingEdit & { component: unknown }): string {
  return typeof edit.component === "string" ? edit.component : "";
}

async function names(table: RoutingTable): Promise<string[]> {
  return (await table.components()).components.map(({ name }) => name);
}
