import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { type EnvironmentSettings, environmentSettings } from "../../infra/environments.ts";
import { addStacks } from "../../infra/stacks.ts";

const cdk = JSON.parse(readFileSync(join(import.meta.dirname, "../../cdk.json"), "utf8")) as {
  context: Record<string, unknown>;
};

/**
 * An app with the project's feature flags. Functions have an empty asset for code: bundling is a test of its own. So is
 * whether CloudFormation takes its templates, which would take longer than all else here.
 */
export function anApp({ isValidated = false } = {}): App {
  return new App({
    analyticsReporting: false,
    builtinCloudFormationValidation: isValidated,
    context: { ...cdk.context, "aws:cdk:bundling-stacks": [] },
  });
}

export type Resource = {
  /** As `stack/logical id`. */
  id: string;
  type: string;
  properties: Record<string, unknown>;
  deletionPolicy: string | undefined;
  updateReplacePolicy: string | undefined;
};

/** One environment as CloudFormation would get it. */
export type Synthesized = { app: App; stacks: Stack[]; templates: Map<string, Template>; resources: Resource[] };

export function synthesized(
  environment: string,
  about: Partial<EnvironmentSettings> = {},
  isFirstDeployment = false,
): Synthesized {
  const app = anApp();
  addStacks(app, environment, { settings: { ...environmentSettings(environment), ...about }, isFirstDeployment });
  return synthesizedApp(app);
}

export function synthesizedApp(app: App): Synthesized {
  const stacks = app.node.children.filter(Stack.isStack);
  const templates = new Map(stacks.map((stack) => [stack.node.id, Template.fromStack(stack)]));
  const resources = [...templates].flatMap(([stack, template]) => resourcesOf(stack, template));
  return { app, stacks, templates, resources };
}

function resourcesOf(stack: string, template: Template): Resource[] {
  const { Resources = {} } = template.toJSON() as {
    Resources?: Record<
      string,
      { Type: string; Properties?: object; DeletionPolicy?: string; UpdateReplacePolicy?: string }
    >;
  };
  return Object.entries(Resources).map(([id, { Type, Properties = {}, DeletionPolicy, UpdateReplacePolicy }]) => ({
    id: `${stack}/${id}`,
    type: Type,
    properties: { ...Properties },
    deletionPolicy: DeletionPolicy,
    updateReplacePolicy: UpdateReplacePolicy,
  }));
}
