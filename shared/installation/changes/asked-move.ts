import { TurnoutError } from "../../domain/errors.ts";
import type { AliasMove, MoveKind } from "../../domain/routing/alias-move.ts";
import { componentNamed, requireVersion, versionBehind } from "../../flows/versions/component-named.ts";
import { planRollback, type RollbackPlan } from "../../flows/versions/undo-version.ts";
import type { Installation } from "../installation.ts";

type Ports = Pick<Installation, "routingTable" | "catalog">;

/** The move of an alias as a person asks for it, by a command or a form. */
export type AskedMove = {
  move: AliasMove;
  kind: MoveKind;
  /** In the imperative, before the versions, e.g. `roll stable of release-coordinator back`. */
  what: string;
  /** Lines that say more of where it goes from or to. */
  details?: string[];
};

/** Points one alias at the version behind another. */
export async function promoting({ routingTable, catalog }: Ports, name: string, source: string, alias: string) {
  const component = await componentNamed(routingTable, name);
  const to = await versionBehind(catalog, component, source);
  const from = await versionBehind(catalog, component, alias);
  if (to === null) {
    throw new TurnoutError("not found", `${source} of ${name} points at no version, so there is nothing to promote.`, {
      remedies: [{ operation: "set alias", component: name, alias: source }],
    });
  }
  const asked: AskedMove = {
    move: { component: name, alias, from, to },
    kind: "promote",
    what: `promote ${source} of ${name}: move ${alias}`,
  };
  return asked;
}

/** Points an alias at what was promoted there before. @param to a version that was there at any time before */
export async function rollingBack(ports: Ports, name: string, alias: string, to?: string): Promise<AskedMove> {
  const plan = await planRollback(ports, name, alias, to);
  return { move: plan.move, kind: "rollback", what: `roll ${alias} of ${name} back`, details: sinceLines(plan) };
}

/** Points an alias at a version. */
export async function settingAlias({ routingTable, catalog }: Ports, name: string, alias: string, version: string) {
  const component = await componentNamed(routingTable, name);
  const from = await versionBehind(catalog, component, alias);
  await requireVersion(catalog, name, version);
  const asked: AskedMove = {
    move: { component: name, alias, from, to: version },
    kind: "set",
    what: `move ${alias} of ${name}`,
  };
  return asked;
}

/** Since when the version that is left has been there, as far as the log knows. */
export function sinceLines({ move: { alias, from }, standing: { since, revision }, change }: RollbackPlan): string[] {
  if (since === undefined || revision === undefined) return [];
  const said = change === undefined ? "" : ` by ${change.who}: ${change.why}`;
  return [`${alias} has been at ${from} since ${since.toISOString()}, revision ${revision}${said}`];
}
