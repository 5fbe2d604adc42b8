import type { Guardrails } from "../../../shared/domain/routing/guardrails.ts";
import { rowDetails } from "../../../shared/domain/routing/row-details.ts";
import type { StandingGuardrails } from "../../../shared/flows/change/standing-guardrails.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { ChangeOptions } from "../terminal/options.ts";
import { changeRouting, type MadeChanges } from "./change-routing.ts";

/** Puts other guardrails in place of the standing ones; a conflict when these have changed meanwhile. */
export function changeGuardrails(
  installation: Pick<Installation, "routingTable" | "events" | "who">,
  options: ChangeOptions,
  { revision }: StandingGuardrails,
  asked: {
    guardrails: Guardrails;
    what: string;
    alreadySo: string;
    warnings?: readonly string[];
    undo: (made: MadeChanges) => string;
    now: Date;
  },
): Promise<void> {
  const { guardrails, ...rest } = asked;
  return changeRouting(installation, options, {
    ...rest,
    edit: { kind: "set guardrails", guardrails },
    plannedOn: revision,
    details: (rows) => rows.flatMap(rowDetails),
  });
}
