import type { Command } from "commander";
import { ComponentNotFound } from "../../shared/domain/errors.ts";
import type { Subject } from "../../shared/domain/subject.ts";
import { type Explanation, explainRoute } from "../../shared/flows/explain-route.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { withState } from "./context.ts";
import { type JsonOption, jsonOption, type SubjectOptions, subjectId, subjectOptions } from "./options.ts";
import { printJson, printLine } from "./output.ts";
import { subjectText } from "./subject-text.ts";

type ExplainOptions = JsonOption & SubjectOptions & { component: string; user?: string };

export function define(command: Command): void {
  subjectOptions(command.requiredOption("--component <name>", "the component that the event goes to"))
    .option("--user <id>", "a user, for rollouts that are keyed by users", subjectId("--user"))
    .addHelpText(
      "after",
      `
What isn't named is looked up: a project's customer, a customer's plan. With no
subject at all it says where events of nobody in particular go.

Examples:
  $ turnout explain --component release-coordinator --project acme/site
  $ turnout explain --component release-coordinator --customer acme --json
`,
    );
  jsonOption(command).action(explain);
}

async function explain({ json, component, ...stated }: ExplainOptions): Promise<void> {
  await withState(async ({ routingTable, catalog }) => {
    const explanation = await explainRoute(routingCache(routingTable), component, stated, new Date());
    if (explanation === undefined) {
      const { components } = await routingTable.components();
      throw new ComponentNotFound(
        component,
        components.map(({ name }) => name),
      );
    }
    const aliases = await catalog.aliases(component);
    const version = aliases.find(({ alias }) => alias === explanation.decision.alias)?.version ?? null;
    if (json) printJson(toJson(explanation, version));
    else for (const line of toLines(explanation, version, stated)) printLine(line);
  });
}

function toJson({ component, subject, decision, revision }: Explanation, version: string | null) {
  const { project, customer, plan, user } = subject;
  return {
    component: component.name,
    project_id: project ?? null,
    customer_id: customer ?? null,
    customer_plan: plan ?? null,
    user_id: user ?? null,
    alias: decision.alias,
    component_version: version,
    because: decision.because,
    rule: decision.rule,
    fallback: decision.fallback,
    named_alias: decision.named ?? null,
    passed_over: decision.passedOver,
    routing_revision: revision,
  };
}

function toLines({ component, subject, decision, revision }: Explanation, version: string | null, stated: Subject) {
  const { alias, because, rule, passedOver, fallback, named } = decision;
  const looked = Object.keys(subject).length > Object.keys(stated).length ? "  (the rest from the directory)" : "";
  const behind = version === null ? "no version yet" : `version ${version}`;
  return [
    `${component.name} ${alias}, ${behind}`,
    `  subject      ${subjectText(subject)}${looked}`,
    `  because      ${because}: ${rule}`,
    ...(fallback ? [`  fallback     ${named} is unknown or retired, so ${alias} takes its place`] : []),
    ...passedOver.map(
      (passed, index) => `  ${index === 0 ? "passed over" : "           "}  ${passed.rule}: ${passed.why}`,
    ),
    `  revision     ${revision}`,
  ];
}
