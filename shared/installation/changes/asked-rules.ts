import { freezeText } from "../../domain/routing/guardrails.ts";
import type { Period } from "../../domain/routing/period.ts";
import { type Rollout, shareText } from "../../domain/routing/rollout.ts";
import { standingGuardrails } from "../../flows/change/standing-guardrails.ts";
import { componentNamed } from "../../flows/versions/component-named.ts";
import type { Installation } from "../installation.ts";
import { periodText } from "../wording/period-text.ts";
import { reasonOfUndo, undoByRevert } from "../wording/undo-commands.ts";
import type { AskedChange } from "./asked-change.ts";
import { componentChange, guardrailsChange } from "./asked-component-change.ts";

type Table = Pick<Installation, "routingTable">;

/** Who asks for something, and why, at this time: it stands in the row. */
export type Saying = { who: string; why: string; at: string };

/** Sends a share of a component's subjects to an alias. */
export function rollingOut(
  component: string,
  about: Pick<Rollout, "alias" | "basisPoints" | "by" | "salt"> & { when: Period; reshuffle: boolean },
  now: Date,
): AskedChange {
  const { when, reshuffle, ...share } = about;
  const { alias, basisPoints, by } = share;
  return componentChange({
    component,
    change: { set: "rollout", rollout: { ...when, ...share }, reshuffle },
    what: `send ${shareText(basisPoints)} of ${component}'s ${by}s to ${alias}${periodText(when)}${reshuffle ? ", drawn anew" : ""}`,
    alreadySo: `${component} has this very rollout already`,
    now,
  });
}

export function endingRollout(component: string, now: Date): AskedChange {
  return componentChange({
    component,
    change: { remove: "rollout" },
    what: `end the rollout of ${component}`,
    alreadySo: `${component} has no rollout`,
    now,
  });
}

/** Sends everything of a component to its fallback. Who said so first, and why, stays. */
export async function allToStable(
  { routingTable }: Table,
  name: string,
  said: Saying,
  now: Date,
): Promise<AskedChange> {
  const component = await componentNamed(routingTable, name);
  const saying = component.allStable ?? said;
  return componentChange({
    component: name,
    change: { set: "all stable", allStable: saying },
    what: `send everything of ${name} to ${component.fallbackAlias}`,
    alreadySo: `everything of ${name} goes to ${component.fallbackAlias} already, by ${saying.who}: ${saying.why}`,
    undo: (_, reason) => ["all-stable", name, "--off", ...reason],
    now,
  });
}

/** Lets the rules of a component count again. */
export async function rulesAgain({ routingTable }: Table, name: string, now: Date): Promise<AskedChange> {
  await componentNamed(routingTable, name);
  return componentChange({
    component: name,
    change: { remove: "all stable" },
    what: `let the rules of ${name} count again`,
    alreadySo: `the rules of ${name} count already`,
    now,
  });
}

/** Stops every change but those that take something back. Who froze first, and why, stays. */
export async function freezing({ routingTable }: Table, said: Saying, now: Date): Promise<AskedChange> {
  const standing = await standingGuardrails(routingTable);
  const freeze = standing.guardrails.freeze ?? said;
  return guardrailsChange(standing, {
    guardrails: { ...standing.guardrails, freeze },
    what: "freeze the routing",
    alreadySo: freezeText(freeze),
    undo: ({ revisions }) => ["unfreeze", ...reasonOfUndo(revisions)],
    now,
  });
}

/** Allows changes again. `frozen` says by whom they were stopped, if they were. */
export async function unfreezing({ routingTable }: Table, now: Date): Promise<AskedChange & { frozen?: Saying }> {
  const standing = await standingGuardrails(routingTable);
  const { freeze, ...guardrails } = standing.guardrails;
  const asked = guardrailsChange(standing, {
    guardrails: freeze === undefined ? standing.guardrails : guardrails,
    what: "unfreeze the routing",
    alreadySo: "the routing isn't frozen",
    undo: ({ revisions }) => undoByRevert(revisions),
    now,
  });
  return { ...asked, ...(freeze && { frozen: freeze }) };
}
