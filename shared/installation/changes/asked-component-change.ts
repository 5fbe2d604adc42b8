import type { Component } from "../../domain/routing/component.ts";
import type { ComponentChange } from "../../domain/routing/component-change.ts";
import type { Guardrails } from "../../domain/routing/guardrails.ts";
import type { Revision } from "../../domain/routing/routing-change.ts";
import { rowDetails } from "../../domain/routing/row-details.ts";
import { changeOf } from "../../domain/routing/row-map.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import type { StandingGuardrails } from "../../flows/change/standing-guardrails.ts";
import type { CommandWords } from "../wording/shell-quote.ts";
import { reasonOfUndo, undoByRevert } from "../wording/undo-commands.ts";
import type { AskedChange } from "./asked-change.ts";

export type AskedOfComponent = {
  component: string;
  change: ComponentChange;
  what: string;
  alreadySo: string;
  /** The command that says the opposite. Default: revert. @param before the component as it was */
  undo?: (before: Component, reason: CommandWords) => CommandWords;
  plannedOn?: Revision;
  now: Date;
};

/** Changes how one component routes. */
export function componentChange({ component, change, undo, ...asked }: AskedOfComponent): AskedChange {
  return {
    ...asked,
    edit: { kind: "change component", component, change },
    details: (rows) => rows.flatMap(rowDetails),
    undo: ({ revisions, rows }) => {
      const before = readable(changeOf(rows, `component#${component}`)?.before);
      if (undo === undefined || before === undefined) return undoByRevert(revisions);
      return undo(before, reasonOfUndo(revisions));
    },
  };
}

export type AskedOfGuardrails = Pick<AskedChange, "what" | "alreadySo" | "warnings" | "undo" | "now"> & {
  guardrails: Guardrails;
};

/** Puts other guardrails in place of the standing ones; a conflict when these have changed meanwhile. */
export function guardrailsChange({ revision }: StandingGuardrails, asked: AskedOfGuardrails): AskedChange {
  const { guardrails, ...rest } = asked;
  return {
    ...rest,
    edit: { kind: "set guardrails", guardrails },
    plannedOn: revision,
    details: (rows) => rows.flatMap(rowDetails),
  };
}
