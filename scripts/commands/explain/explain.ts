import type { Command } from "commander";
import { ComponentNotFound } from "../../../shared/domain/errors.ts";
import type { Subject } from "../../../shared/domain/subject.ts";
import { type Explanation, explainRoute } from "../../../shared/flows/explain/explain-route.ts";
import { versionOf } from "../../../shared/flows/versions/move-alias.ts";
import { versionAt } from "../../../shared/flows/versions/version-at.ts";
import { explanationJson, explanationLines, labelled } from "../../../shared/installation/wording/explanation-rows.ts";
import { subjectText } from "../../../shared/installation/wording/subject-text.ts";
import { withInstallation } from "../terminal/context.ts";
import {
  duration,
  type JsonOption,
  jsonOption,
  type SubjectOptions,
  subjectOptions,
  usage,
} from "../terminal/options.ts";
import { printJson, printLine } from "../terminal/output.ts";
import { explainEvent } from "./explain-event.ts";
import { type PastPoint, pastPoint, pastRouting } from "./past-routing.ts";

type ExplainOptions = JsonOption &
  SubjectOptions & { component?: string; at?: PastPoint; event?: string; since?: number };

export function define(command: Command): void {
  subjectOptions(command.option("--component <name>", "the component that the event goes to"))
    .option("--at <time or revision>", "as the routing was then (default: now)", pastPoint("--at"))
    .option(
      "--event <id>",
      "a stored event: its id, publisher's key or key that consumers see, or the beginning of one",
    )
    .option("--since <duration>", "how far back to look for the event (default: 1h)", duration("--since"))
    .addHelpText(
      "after",
      `
What isn't named is looked up: a project's customer, a customer's plan. With no
subject at all it says where events of nobody in particular go. With --at the
version is the one behind the alias then, by the change log. Of a stored event
it says where each delivery went and why, and where it would go now.

Examples:
  $ turnout explain --component release-coordinator --project acme/site
  $ turnout explain --component mailer --customer acme --at 2026-11-20T10:00Z
  $ turnout explain --event 3f6c0e1a --since 2d --json
`,
    );
  jsonOption(command).action(explain);
}

async function explain({ json, component, at, event, since, ...stated }: ExplainOptions): Promise<void> {
  if (event !== undefined) {
    if (at !== undefined || Object.keys(stated).length > 0) {
      throw usage("An event has its own subject and time: leave out --user, --project, --customer, --plan and --at.");
    }
    return explainEvent({ event, json: json ?? false, ...(since && { since }), ...(component && { component }) });
  }
  if (component === undefined) throw usage("Name a --component, or a stored --event.");
  if (since !== undefined) throw usage("--since says how far back to look for an --event.");
  await withInstallation(async ({ routingTable, catalog, laptops }) => {
    const past = at === undefined ? undefined : await pastRouting(routingTable, at);
    const table = past?.table ?? routingTable;
    const leases = past === undefined ? { readLeases: laptops.leases } : {};
    const explanation = await explainRoute(table, component, stated, past?.at ?? new Date(), leases);
    if (explanation === undefined) {
      const { components } = await table.components();
      throw new ComponentNotFound(
        component,
        components.map(({ name }) => name),
      );
    }
    const named = { component, alias: explanation.decision.alias };
    const version = await (past === undefined
      ? versionOf(catalog, named)
      : versionAt(routingTable, catalog, named, past.revision));
    const asked = past?.at.toISOString() ?? null;
    if (json) printJson({ ...explanationJson(explanation), component_version: version, at: asked });
    else for (const line of toLines(explanation, version, stated, asked)) printLine(line);
  });
}

function toLines(explanation: Explanation, version: string | null, stated: Subject, asked: string | null): string[] {
  const { component, subject, decision } = explanation;
  const looked = Object.keys(subject).length > Object.keys(stated).length ? "  (the rest from the directory)" : "";
  const behind = version === null ? "no version yet" : `version ${version}`;
  return [
    `${component.name} ${decision.alias}, ${behind}${asked === null ? "" : `, as of ${asked}`}`,
    ...labelled("subject", [subjectText(subject) + looked]),
    ...explanationLines(explanation),
  ];
}
