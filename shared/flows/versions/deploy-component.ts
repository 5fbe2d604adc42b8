import { GuardrailHit, RevisionConflict } from "../../domain/errors.ts";
import type { AliasMove } from "../../domain/routing/alias-move.ts";
import type { Component } from "../../domain/routing/component.ts";
import { readable } from "../../domain/routing/unreadable-row.ts";
import { changeRoutes } from "../change/change-routes.ts";
import type { MoveReaders } from "../change/preview-move.ts";
import { LOST, lostRaces } from "../lost-races.ts";
import { aliasHistory } from "./alias-history.ts";
import { type MovePorts, moveAlias, versionOf } from "./move-alias.ts";

export type DeployPorts = MovePorts & MoveReaders & { now: () => Date };

/** What a deployment says of a component. Everything else about it is its operators'. */
export type Deployment = {
  component: string;
  /** Its row: what is deployed over what was there. @throws TurnoutError `usage` when that makes no component */
  rowOver(before: Component | undefined): Component;
  /** The version that it has published. */
  version: string;
  /** Made at that version where they are missing, and never moved. */
  aliases: readonly string[];
  /** The one alias that it moves. */
  moves?: string | undefined;
  /** The deployment that this one follows. */
  before?: { version: string; moves?: string | undefined } | undefined;
};

/** Who deploys, as the change log tells it. */
export type Deployer = { who: string; why: string; command: string };

/** The move that a freeze or a guardrail stands against. */
export type RefusedMove = { move: AliasMove; objections: GuardrailHit["objections"] };

/**
 * Makes a component what a deployment says: its aliases, its row in the routing table, and the one alias that it moves.
 * Whoever has changed routing or aliases since the last deployment finds them as they were. It may be made again after
 * any error: what is done already is left as it is.
 * @returns the move that was refused; undefined when all was done
 */
export async function deployComponent(
  ports: DeployPorts,
  deployment: Deployment,
  by: Deployer,
): Promise<RefusedMove | undefined> {
  const { component, aliases, version } = deployment;
  // Before the component is registered: an event would find no alias.
  for (const alias of aliases) await ports.catalog.moveAlias(component, alias, version, null);
  await registerComponent(ports, deployment, by);
  const move = await ownMove(ports, deployment);
  if (move === undefined) return undefined;
  const { kind, ...planned } = move;
  try {
    await moveAlias(ports, { ...by, at: ports.now(), kind, move: planned });
    return undefined;
  } catch (error) {
    if (!(error instanceof GuardrailHit)) throw error;
    return { move: planned, objections: error.objections };
  }
}

/** Writes the component's row, unless it says all of it already. */
export async function registerComponent(
  ports: Pick<DeployPorts, "table" | "newId" | "now">,
  deployment: Pick<Deployment, "component" | "rowOver">,
  by: Deployer,
): Promise<void> {
  const { table, newId, now } = ports;
  const key = `component#${deployment.component}` as const;
  await lostRaces(
    async () => {
      const { revision, rows } = await table.rows([key]);
      const component = deployment.rowOver(readable(rows.get(key)));
      const request = { ...by, changeId: newId(), at: now(), expectedRevision: revision };
      try {
        return await changeRoutes(table, { ...request, edit: { kind: "apply component", component } });
      } catch (error) {
        // What an operator has just changed is not to be put back.
        if (error instanceof RevisionConflict) return LOST;
        throw error;
      }
    },
    { left: `${deployment.component} is as it was. Deploy again.` },
  );
}

/**
 * The move of the one alias, if there is one to make. A deployment that fails is undone by another one, to the version
 * before: that takes back the deployment's own move, and nobody else's.
 */
async function ownMove(
  { table, catalog }: DeployPorts,
  { component, version: to, moves: alias, before }: Deployment,
): Promise<(AliasMove & { kind: "publish" | "rollback" }) | undefined> {
  if (alias === undefined) return undefined;
  const from = await versionOf(catalog, { component, alias });
  // It has published nothing: whoever has moved the alias meanwhile has moved it on purpose.
  if (before?.version === to && before.moves === alias) return undefined;
  const takesBack = before !== undefined && Number(before.version) > Number(to);
  if (from === to || (takesBack && from !== before.version)) return undefined;
  if (!takesBack) return { component, alias, from, to, kind: "publish" };
  // Where its own move came from, which may be where a person had left the alias.
  const { previous } = await aliasHistory(table, catalog, component, alias);
  return { component, alias, from, to: previous ?? to, kind: "rollback" };
}
