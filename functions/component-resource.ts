import type { CloudFormationCustomResourceEvent } from "aws-lambda";
import * as z from "zod/mini";
import { GuardrailHit, RevisionConflict, TurnoutError } from "../shared/domain/errors.ts";
import { AliasName } from "../shared/domain/routing/alias.ts";
import { Component } from "../shared/domain/routing/component.ts";
import { readable } from "../shared/domain/routing/unreadable-row.ts";
import { type Read, read, readJson } from "../shared/domain/text/schema.ts";
import { changeRoutes } from "../shared/flows/change/change-routes.ts";
import type { StoredEvents } from "../shared/flows/change/preview-traffic.ts";
import { aliasHistory } from "../shared/flows/versions/alias-history.ts";
import { moveAlias, versionOf } from "../shared/flows/versions/move-alias.ts";
import type { RoutingTable } from "../shared/routing-table/routing-table.ts";
import type { VersionCatalog } from "../shared/versions/version-catalog.ts";

export type ComponentResourcePorts = {
  table: RoutingTable;
  /** What has been published lately: the guardrails ask whose events a move gives another version. */
  events: StoredEvents;
  /** The versions and aliases of a function. */
  catalogOf: (functionArn: string) => Pick<VersionCatalog, "aliases" | "moveAlias">;
  now: () => Date;
  newId: () => string;
  delay: (ms: number) => Promise<unknown>;
};

/** What a deployment says of a component. Everything else about it is its operators'. */
const Deployed = z.object({
  name: z.string(),
  functionArn: z.string(),
  /** As JSON: CloudFormation makes text of numbers. Its pattern, timeout and invocation. */
  settings: z.string(),
  /** The version that this deployment has published. */
  version: z.string(),
  /** Made at that version where they are missing, and never moved. */
  aliases: z.array(AliasName).check(z.minLength(1)),
  /** The one alias that the deployment moves. */
  moves: z.optional(AliasName),
});
type Deployed = z.infer<typeof Deployed>;

/** Who deploys, as the change log tells it. */
type Deployment = { who: string; why: string; command: string };

/** A permission that was given a moment ago takes up to a minute until it holds. */
const TRIES = 7;
const TRY_AGAIN_MS = 10_000;

/** How often an operator's change may come first. */
const MAX_LOST_RACES = 20;

/**
 * Makes a component what a deployment says: its aliases, its row in the routing table, and the one alias that it moves.
 * Whoever has changed routing or aliases since the last deployment finds them as they were. A deletion leaves all of it:
 * pins and deliveries may name the component, and a person says when they no longer do.
 */
export async function deployComponent(
  ports: ComponentResourcePorts,
  event: CloudFormationCustomResourceEvent,
): Promise<void> {
  if (event.RequestType === "Delete") return;
  const deployed = mustRead(read(Deployed, event.ResourceProperties));
  const before = event.RequestType === "Update" ? read(Deployed, event.OldResourceProperties) : undefined;
  const stack = event.StackId.split("/")[1] ?? event.StackId;
  const by = { who: "cloudformation", why: `deployment of ${stack}`, command: `cdk deploy ${stack}` };
  const stepwise = async () => {
    await createAliases(ports, deployed);
    await register(ports, deployed, by);
    await moveOne(ports, deployed, before?.ok === true ? before.value : undefined, by);
  };
  for (let tries = 1; ; tries++) {
    try {
      return await stepwise();
    } catch (error) {
      if (!isDenied(error) || tries === TRIES) throw error;
      await ports.delay(TRY_AGAIN_MS);
    }
  }
}

/** Before the component is registered: an event would find no alias. */
async function createAliases({ catalogOf }: ComponentResourcePorts, deployed: Deployed): Promise<void> {
  const catalog = catalogOf(deployed.functionArn);
  for (const alias of deployed.aliases) await catalog.moveAlias(deployed.name, alias, deployed.version, null);
}

/** Writes the component's row, unless it says all of it already. */
async function register(ports: ComponentResourcePorts, deployed: Deployed, by: Deployment): Promise<void> {
  const { table, newId, now } = ports;
  for (let race = 0; ; race++) {
    const { revision, rows } = await table.rows([`component#${deployed.name}`]);
    const component = componentOf(deployed, readable(rows.get(`component#${deployed.name}`)));
    const request = { ...by, changeId: newId(), at: now(), expectedRevision: revision };
    try {
      await changeRoutes(table, { ...request, edit: { kind: "apply component", component } });
      return;
    } catch (error) {
      // What an operator has just changed is not to be put back.
      if (!(error instanceof RevisionConflict) || race === MAX_LOST_RACES) throw error;
    }
  }
}

function componentOf({ name, functionArn, settings, aliases }: Deployed, before: Component | undefined): Component {
  const target = { kind: "lambda", functionArn };
  const targets = aliases.map((alias) => [alias, { ...before?.aliases[alias], target }]);
  const deployed = mustRead(read(z.record(z.string(), z.unknown()), mustRead(readJson(settings))));
  const all = { ...before?.aliases, ...Object.fromEntries(targets) };
  return mustRead(read(Component, { ...before, ...deployed, name, aliases: all }));
}

/**
 * Moves the one alias. CloudFormation undoes a deployment that fails by another update, to the version before: that takes
 * back the deployment's own move, and nobody else's.
 */
async function moveOne(
  ports: ComponentResourcePorts,
  { name: component, functionArn, version: to, moves: alias }: Deployed,
  before: Deployed | undefined,
  by: Deployment,
): Promise<void> {
  if (alias === undefined) return;
  const { table, events, catalogOf, newId, now } = ports;
  const catalog = catalogOf(functionArn);
  const from = await versionOf(catalog, { component, alias });
  // It has published nothing: whoever has moved the alias meanwhile has moved it on purpose.
  if (before?.version === to && before.moves === alias) return;
  const takesBack = before !== undefined && Number(before.version) > Number(to);
  if (from === to || (takesBack && from !== before.version)) return;
  // Where its own move came from, which may be where a person had left the alias.
  const { previous } = takesBack ? await aliasHistory(table, catalog, component, alias) : {};
  const move = { component, alias, from, to: previous ?? to };
  const kind = takesBack ? "rollback" : "publish";
  await moveAlias({ table, events, catalog, newId }, { ...by, at: now(), kind, move }).catch((error: unknown) => {
    if (!(error instanceof GuardrailHit)) throw error;
    const remedy =
      `a deployment can't go past that. Deploy it with \`moves: "none"\`, and have an operator move ${alias} with ` +
      `'turnout alias set ${component} ${alias} ${move.to}' and --force, or change the guardrails`;
    throw new GuardrailHit(error.objections, [remedy]);
  });
}

/** AWS says no; a freeze or a guardrail is a person's no, which doesn't pass by itself. */
function isDenied(error: unknown): boolean {
  return error instanceof TurnoutError && error.kind === "not allowed" && !(error instanceof GuardrailHit);
}

function mustRead<T>(value: Read<T>): T {
  if (value.ok) return value.value;
  throw new TurnoutError("usage", `The component's properties can't be read: ${value.problem}.`);
}
