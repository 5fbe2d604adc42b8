import { randomUUID } from "node:crypto";
import { aliasOf, type Component } from "../../shared/domain/component.ts";
import {
  AliasNotFound,
  AliasRetired,
  ComponentNotFound,
  GuardrailHit,
  TurnoutError,
} from "../../shared/domain/errors.ts";
import { freezeText } from "../../shared/domain/guardrails.ts";
import type { Revision } from "../../shared/domain/routing-change.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { revisionConflict } from "../../shared/flows/change-routes.ts";
import { subjectsOn } from "../../shared/flows/preview-change.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { standingGuardrails } from "./change-guardrails.ts";
import { commandAsTyped, who } from "./context.ts";
import type { MutationOptions } from "./options.ts";
import { note } from "./output.ts";
import { commandLine } from "./shell-quote.ts";
import { subjectText } from "./subject-text.ts";

export type AliasMove = { component: string; alias: string; from: string | null; to: string };

/** How often another operator's change may come first while a move is being logged. */
const MAX_LOST_RACES = 20;

/** @throws ComponentNotFound */
export async function componentNamed(table: RoutingTable, name: string): Promise<Component> {
  const { components } = await table.components();
  const component = components.find((candidate) => candidate.name === name);
  if (component !== undefined) return component;
  throw new ComponentNotFound(
    name,
    components.map((candidate) => candidate.name),
  );
}

/** The version that an alias in use points at, null for none yet. @throws AliasNotFound, AliasRetired */
export async function versionBehind({ catalog }: EmbeddedState, component: Component, alias: string) {
  const entry = aliasOf(component, alias);
  if (entry === undefined) throw new AliasNotFound(alias, component.name, Object.keys(component.aliases));
  if (entry.retired) throw new AliasRetired(alias, component.name);
  const aliases = await catalog.aliases(component.name);
  return aliases.find((target) => target.alias === alias)?.version ?? null;
}

/** The revision that the routing is at. @throws RevisionConflict when another one was expected */
export async function expectedHead(table: RoutingTable, { expectRevision }: MutationOptions): Promise<Revision> {
  const head = await table.head();
  if (expectRevision === undefined || expectRevision === head) return head;
  throw await revisionConflict(table, expectRevision, head);
}

/** Whether the routing is frozen and `--force` goes past that. @throws GuardrailHit when it is, without `--force` */
export async function refuseFrozen(table: RoutingTable, { force }: Pick<MutationOptions, "force">): Promise<boolean> {
  const { freeze } = (await standingGuardrails(table)).guardrails;
  if (freeze !== undefined && !force) throw new GuardrailHit([freezeText(freeze)]);
  return freeze !== undefined;
}

/** Says whose events the alias gets. */
export async function showAudience(table: RoutingTable, component: string, alias: string, now: Date): Promise<void> {
  const { count, first } = await subjectsOn(table, component, alias, now);
  const more = count > first.length ? `, … and ${count - first.length} more` : "";
  const named = count === 0 ? "none" : `${count} (${first.map(subjectText).join("; ")}${more})`;
  note(`  subjects of the directory that are on ${alias}: ${named}`);
}

/**
 * Points the alias elsewhere, if it still points where it did, and writes into the change log who did it and why. A
 * crash between the two leaves a move without its entry. A freeze is looked at before the move: one that is committed
 * in between is too late for it.
 * @returns the revision of the entry
 */
export async function moveAlias(
  { catalog, routingTable }: EmbeddedState,
  { component, alias, from, to }: AliasMove,
  { reason, force }: MutationOptions,
  now: Date,
): Promise<Revision> {
  const forced = await refuseFrozen(routingTable, force ? { force } : {});
  if (!(await catalog.moveAlias(component, alias, to, from))) {
    throw new TurnoutError(
      "conflict",
      `Somebody else has just moved ${alias} of ${component}. Nothing was changed. ` +
        `Look at it with '${commandLine("aliases", component)}' and run the command again.`,
    );
  }
  const meta = { changeId: randomUUID(), at: now, who: who(), why: reason, command: commandAsTyped() };
  const change = { ...meta, ...(forced ? { forced: true } : {}), rows: [] };
  for (let race = 0; race < MAX_LOST_RACES; race++) {
    const result = await routingTable.commit(change, await routingTable.head());
    if (result.committed) return result.revision;
  }
  throw new TurnoutError("conflict", `${alias} of ${component} was moved, but the change log is too busy to say so.`);
}

/** The command that moves the alias back; null for an alias that pointed nowhere. */
export function undoOfMove({ component, alias, from }: AliasMove, revision: Revision): string | null {
  if (from === null) return null;
  return commandLine("alias", "set", component, alias, from, "--reason", `undo of revision ${revision}`);
}

/** The undo, for a person. */
export function noteUndo(move: AliasMove, undo: string | null): void {
  note(
    undo === null ? `no undo: ${move.alias} pointed nowhere before, and can only be moved elsewhere` : `undo: ${undo}`,
  );
}
