import type { Command } from "commander";
import { aliasOf, Component } from "../../shared/domain/component.ts";
import { read } from "../../shared/domain/schema.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { refuseIfPinned } from "./alias-names.ts";
import { changeRouting } from "./change-routing.ts";
import { defineAliasRoles } from "./component-aliases.ts";
import { willWrite } from "./confirm.ts";
import { withNewState, withState } from "./context.ts";
import { componentNamed } from "./move-alias.ts";
import { type JsonOption, jsonOption, type MutationOptions, mutationOptions, usage } from "./options.ts";
import { note, printJson, printPrettyJson } from "./output.ts";
import { mustRead, readJsonInput } from "./read-input.ts";
import { undoByRevert } from "./revert.ts";
import { rowDetails } from "./row-details.ts";
import type { State } from "./state.ts";
import { type Column, printTable } from "./table.ts";

export function define(command: Command): void {
  const applying = command
    .command("apply")
    .description("register a component, or change it")
    .argument("<file>", "the component as JSON, - for stdin");
  mutationOptions(applying)
    .addHelpText(
      "after",
      `
Example of a file, with the defaults left out:
  { "name": "release-coordinator",
    "pattern": { "source": ["github.com"], "detail-type": ["push"] },
    "aliases": { "stable": {}, "beta": {}, "experimental": {} } }

What may be added, with its defaults:
  "timeoutMs": 30000                how long one attempt may take, up to 840000
  "retry": { "maxAttempts": 5,      attempts in all; then the delivery is dead
             "baseDelayMs": 500,    most that the first delay may be; it doubles each time, with full jitter
             "maxDelayMs": 30000,   most that any delay may be, up to 43200000
             "maxAgeMs": 86400000,  a delivery that would have to wait past this age is dead, up to 1209600000
             "nonRetryableErrors": [] }   types of errors after which it is dead at once
  "invocation": { "kind": "sync" }  or { "kind": "async", "maxEventAgeMs": 3600000 }: the version takes the event,
                                    and says later what became of it

Example:
  $ turnout component apply release-coordinator.json --reason "listens to push"
`,
    )
    .action(apply);
  defineAliasRoles(command);
  jsonOption(command.command("list").description("list the components"))
    .addHelpText("after", "\nExample:\n  $ turnout component list --json\n")
    .action(list);
  jsonOption(
    command.command("show").description("print a component, in the form that 'apply' takes").argument("<name>"),
  )
    .addHelpText("after", "\nExample:\n  $ turnout component show release-coordinator > release-coordinator.json\n")
    .action(show);
}

async function apply(file: string, options: MutationOptions): Promise<void> {
  const { name, value } = await readJsonInput(file);
  const component = mustRead(read(Component, value), name);
  await withNewState(willWrite(options), async (state) => {
    refuseUnreachable(state, component);
    const now = new Date();
    const droppedOn = await refuseDroppedAliases(state.routingTable, component, now);
    await changeRouting(state, options, {
      edit: { kind: "apply component", component },
      what: `apply component ${component.name}`,
      alreadySo: `component ${component.name} is like this already`,
      details: (rows) => rows.flatMap(rowDetails),
      undo: ({ revisions }) => undoByRevert(revisions),
      ...(droppedOn === undefined ? {} : { plannedOn: droppedOn }),
      now,
    });
  });
}

/** On AWS nothing runs a worker, which is what a target is by default. @throws TurnoutError `usage` */
function refuseUnreachable({ versions }: State, { aliases }: Component): void {
  if (versions.from === "folders") return;
  const workers = Object.entries(aliases).flatMap(([alias, { target }]) => (target.kind === "worker" ? [alias] : []));
  if (workers.length === 0) return;
  throw usage(
    `On AWS every alias needs a target, such as { "kind": "lambda", "functionArn": "arn:aws:lambda:…:function:…" }. ` +
      `None is given for ${workers.join(", ")}.`,
  );
}

/** An alias that the file leaves out is removed: refused while pins name it. Returns the revision this was looked at. */
async function refuseDroppedAliases(table: RoutingTable, component: Component, now: Date): Promise<number | undefined> {
  const revision = await table.head();
  const before = (await table.components()).components.find(({ name }) => name === component.name);
  const dropped = Object.keys(before?.aliases ?? {}).filter((alias) => aliasOf(component, alias) === undefined);
  for (const alias of dropped) await refuseIfPinned(table, component.name, alias, now);
  return dropped.length === 0 ? undefined : revision;
}

async function list({ json }: JsonOption): Promise<void> {
  await withState(async ({ routingTable }) => {
    const { components } = await routingTable.components();
    if (json) for (const component of components) printJson(component);
    else if (components.length === 0) note("no components");
    else printTable(COLUMNS, components);
  });
}

async function show(name: string, { json }: JsonOption): Promise<void> {
  await withState(async ({ routingTable }) => {
    const component = await componentNamed(routingTable, name);
    if (json) printJson(component);
    else printPrettyJson(component);
  });
}

const COLUMNS: Column<Component>[] = [
  { title: "NAME", text: ({ name }) => name, least: 12 },
  { title: "DEFAULT", text: ({ defaultAlias }) => defaultAlias, least: 7 },
  { title: "ALIASES", text: aliasesText, least: 12 },
  { title: "ROLLOUT", text: ({ rollout }) => rollout && `${rollout.basisPoints / 100} % ${rollout.alias}`, least: 8 },
  { title: "TIMEOUT", text: ({ timeoutMs }) => `${timeoutMs / 1000} s`, alignRight: true },
  { title: "ATTEMPTS", text: ({ retry }) => String(retry.maxAttempts), alignRight: true, optional: 1 },
  { title: "PATTERN", text: ({ pattern }) => JSON.stringify(pattern), least: 12 },
];

function aliasesText({ aliases }: Component): string {
  return Object.entries(aliases)
    .map(([name, { retired }]) => (retired ? `${name} (retired)` : name))
    .join(", ");
}
