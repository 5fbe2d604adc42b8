import type { CloudFormationCustomResourceEvent } from "aws-lambda";
import * as z from "zod/mini";
import { GuardrailHit, TurnoutError } from "../shared/domain/errors.ts";
import { AliasName } from "../shared/domain/routing/alias.ts";
import { Component } from "../shared/domain/routing/component.ts";
import { type Read, read, readJson } from "../shared/domain/text/schema.ts";
import {
  type Deployer,
  type Deployment,
  type DeployPorts,
  deployComponent,
  type RefusedMove,
  registerComponent,
} from "../shared/flows/versions/deploy-component.ts";
import type { VersionCatalog } from "../shared/versions/version-catalog.ts";

export type ComponentResourcePorts = Omit<DeployPorts, "catalog"> & {
  /** The versions and aliases of a function. */
  catalogOf: (functionArn: string) => Pick<VersionCatalog, "aliases" | "moveAlias">;
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

/** Of a component whose aliases have addresses of their own: what each stands for, as JSON. */
const Addressed = z.object({
  name: z.string(),
  settings: z.string(),
  targets: z.string(),
  /** Of aliases that are missing; the others stay as they are. */
  initially: z.string(),
});
type Addressed = z.infer<typeof Addressed>;

const Fields = z.record(z.string(), z.unknown());

/** A permission that was given a moment ago takes up to a minute until it holds. */
const TRIES = 7;
const TRY_AGAIN_MS = 10_000;

/**
 * Makes a component what a stack says of it. CloudFormation undoes a deployment that fails by another update, to the
 * version before. A deletion leaves all of it: pins and deliveries may name the component, and a person says when they
 * no longer do.
 */
export async function onComponentResource(
  { catalogOf, delay, ...ports }: ComponentResourcePorts,
  event: CloudFormationCustomResourceEvent,
): Promise<void> {
  if (event.RequestType === "Delete") return;
  if ("targets" in event.ResourceProperties) {
    const addressed = mustRead(read(Addressed, event.ResourceProperties));
    const { name: component } = addressed;
    return registerComponent(ports, { component, rowOver: (row) => addressedOver(row, addressed) }, deployerOf(event));
  }
  const deployed = mustRead(read(Deployed, event.ResourceProperties));
  const before = event.RequestType === "Update" ? read(Deployed, event.OldResourceProperties) : undefined;
  const by = deployerOf(event);
  const { name: component, functionArn, version, aliases, moves } = deployed;
  const deployment: Deployment = {
    component,
    rowOver: (row) => rowOver(row, deployed),
    version,
    aliases,
    moves,
    before: before?.ok === true ? before.value : undefined,
  };
  for (let tries = 1; ; tries++) {
    try {
      const refused = await deployComponent({ ...ports, catalog: catalogOf(functionArn) }, deployment, by);
      if (refused !== undefined) throw beyondDeployment(refused);
      return;
    } catch (error) {
      if (!isDenied(error) || tries === TRIES) throw error;
      await delay(TRY_AGAIN_MS);
    }
  }
}

function deployerOf({ StackId }: CloudFormationCustomResourceEvent): Deployer {
  const stack = StackId.split("/")[1] ?? StackId;
  return { who: "cloudformation", why: `deployment of ${stack}`, command: `cdk deploy ${stack}` };
}

function addressedOver(before: Component | undefined, { name, settings, targets, initially }: Addressed): Component {
  const [deployed, moved, made] = [settings, targets, initially].map((text) =>
    mustRead(read(Fields, mustRead(readJson(text)))),
  );
  const entries = Object.entries(moved ?? {}).map(([alias, target]) => [alias, { ...before?.aliases[alias], target }]);
  const missing = Object.entries(made ?? {}).map(([alias, target]) => [alias, { target }]);
  const aliases = { ...Object.fromEntries(missing), ...before?.aliases, ...Object.fromEntries(entries) };
  return mustRead(read(Component, { ...before, ...deployed, name, aliases }));
}

function rowOver(before: Component | undefined, { name, functionArn, settings, aliases }: Deployed): Component {
  const target = { kind: "lambda", functionArn };
  const targets = aliases.map((alias) => [alias, { ...before?.aliases[alias], target }]);
  const deployed = mustRead(read(Fields, mustRead(readJson(settings))));
  const all = { ...before?.aliases, ...Object.fromEntries(targets) };
  return mustRead(read(Component, { ...before, ...deployed, name, aliases: all }));
}

function beyondDeployment({ move: { component, alias, to }, objections }: RefusedMove): GuardrailHit {
  return new GuardrailHit(objections, [
    `a deployment can't go past that. Deploy it with \`moves: "none"\`, and have an operator move ${alias} of ` +
      `${component} to version ${to} by force, or change the guardrails`,
  ]);
}

/** AWS says no; a freeze or a guardrail is a person's no, which doesn't pass by itself. */
function isDenied(error: unknown): boolean {
  return error instanceof TurnoutError && error.kind === "not allowed" && !(error instanceof GuardrailHit);
}

function mustRead<T>(value: Read<T>): T {
  if (value.ok) return value.value;
  throw new TurnoutError("usage", `The component's properties can't be read: ${value.problem}.`);
}
