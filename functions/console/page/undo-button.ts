import { html } from "hono/html";
import type { ChangeLogEntry } from "../../../shared/domain/routing/routing-change.ts";
import { undoOfMove } from "../../../shared/domain/routing/undo-edit.ts";
import type { Visitor } from "../access/role.ts";
import type { Html } from "../screen.ts";
import { actionLink } from "./parts.ts";

/** Leads to what takes a change back, and says why where nothing does. */
export function undoButton({ revision, rows, move }: ChangeLogEntry, visitor: Visitor): Html {
  if (move?.stage === "intended") return html`<span class="soft">a later change ends it</span>`;
  if (move?.stage === "abandoned") return html`<span class="soft">nothing was moved</span>`;
  if (move !== undefined) {
    const undo = undoOfMove(move, move.kind);
    if (undo === undefined) return html`<span class="soft">it pointed nowhere before</span>`;
    const { component, alias, to } = undo;
    const reason = `undo of revision ${revision}`;
    const button = (action: string, version: { to: string } | { version: string }) =>
      actionLink(visitor, "move versions", action, { component, alias, ...version, reason }, `Back to ${to}`);
    return undo.kind === "rollback" ? button("rollback", { to }) : button("alias-set", { version: to });
  }
  if (rows.length === 0) return html`<span class="soft">it changed nothing</span>`;
  return actionLink(visitor, "change the routing", "revert", { revisions: revision }, "Revert");
}
