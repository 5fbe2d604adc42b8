import type { Component } from "../../../shared/domain/routing/component.ts";
import type { ComponentChange } from "../../../shared/domain/routing/component-change.ts";
import type { Revision } from "../../../shared/domain/routing/routing-change.ts";
import { rowDetails } from "../../../shared/domain/routing/row-details.ts";
import { changeOf } from "../../../shared/domain/routing/row-map.ts";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { ChangeOptions } from "../terminal/options.ts";
import { changeRouting } from "./change-routing.ts";
import { undoByRevert } from "./revert.ts";

export type ComponentEditRequest = {
  component: string;
  change: ComponentChange;
  what: string;
  alreadySo: string;
  /** The command that says the opposite. Default: revert. @param before the component as it was */
  undo?: (before: Component, reason: readonly string[]) => string;
  plannedOn?: Revision;
  now: Date;
};

/** Changes how one component routes. */
export function changeComponent(
  installation: Pick<Installation, "routingTable" | "events" | "who">,
  options: ChangeOptions,
  { component, change, undo, ...asked }: ComponentEditRequest,
): Promise<void> {
  return changeRouting(installation, options, {
    ...asked,
    edit: { kind: "change component", component, change },
    details: (rows) => rows.flatMap(rowDetails),
    undo: ({ revisions, rows }) => {
      const before = readable(changeOf(rows, `component#${component}`)?.before);
      if (undo === undefined || before === undefined) return undoByRevert(revisions);
      return undo(before, ["--reason", `undo of revision ${revisions.join(", ")}`]);
    },
  });
}
