import type { Command } from "commander";
import { patternDoubts } from "../../../shared/domain/events/pattern-doubts.ts";
import { Component } from "../../../shared/domain/routing/component.ts";
import { rulesLeftAlone } from "../../../shared/domain/routing/component-halves.ts";
import { rowDetails } from "../../../shared/domain/routing/row-details.ts";
import { REACHED } from "../../../shared/domain/routing/target-address.ts";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import { read } from "../../../shared/domain/text/schema.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { undoByRevert } from "../../../shared/installation/wording/undo-commands.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { willWrite } from "../terminal/confirm.ts";
import { withInstallation, withNewInstallation } from "../terminal/context.ts";
import { type ChangeOptions, changeOptions, type JsonOption, jsonOption, usage } from "../terminal/options.ts";
import { note, printJson, printPrettyJson } from "../terminal/output.ts";
import { mustRead, readJsonInput } from "../terminal/read-input.ts";
import { type Column, printTable } from "../terminal/table.ts";
import { noteNowhere } from "../versions/note-nowhere.ts";
import { defineAliasRoles } from "./component-aliases.ts";

export function define(command: Command): void {
  const applying = command
    .command("apply")
    .description("register a component, or change its definition")
    .argument("<file>", "the component as JSON, - for stdin");
  changeOptions(applying)
    .addHelpText(
      "after",
      `
The least that a file says:
  { "name": "release-coordinator",
    "pattern": { "source": ["github.com"], "detail-type": ["push"] },
    "aliases": { "stable": {}, "beta": {}, "experimental": {} } }

The pattern is EventBridge's: which events the component gets. Names of
components and aliases have 1 to 64 lower-case letters, digits and inner
hyphens.

What may be added, with its defaults:
  "timeoutMs": 30000       how long one attempt may take, up to 840000
  "retry": {
    "maxAttempts": 5,      attempts in all, up to 100; then the delivery is dead
    "baseDelayMs": 500,    most that the first delay may be; it doubles each
                           time, and each is drawn at random up to that
    "maxDelayMs": 30000,   most that any delay may be, up to 43200000
    "maxAgeMs": 86400000,  a delivery that would have to wait past this age is
                           dead, up to 1209600000
    "nonRetryableErrors": [] }  types of errors after which it is dead at once
  "invocation":
    { "kind": "sync" }     the router waits for the answer; or
    { "kind": "async",     the version takes the event, and says later what
      "maxEventAgeMs": 3600000 }  became of it; 60000 to 21600000
  "worker": {              on this machine alone
    "concurrency": 4,      threads of each version, or processes of one in
                           another language, with one event each, to 256
    "memoryMb": 128,       of each thread or process, 16 to 10240
    "environment": {} }    the variables that a handler sees, as text

How an alias is reached is its target, of one of these kinds:
  { "target": { "kind": "worker" } }       a folder's code, on this machine, in
                                           whatever language; the default
  { "target": { "kind": "lambda",          the function's alias of the same name
                "functionArn": "arn:aws:lambda:…:function:NAME",
                "tenant": "customer" } }   or "project"; only of a function with
                                           tenant isolation
  { "target": { "kind": "http",            the event is posted to this URL
                "url": "https://preview.example.com/events",
                "format": "published",     or a CloudEvent, "binary" or
                                           "structured"
                "secrets": ["TURNOUT_SECRET_PREVIEW"],  signed by Standard
                                           Webhooks: variables of the server, or
                                           ARNs of AWS Secrets Manager
                "private": true } }        also addresses of private networks,
                                           and without TLS
and on AWS alone:
  { "target": { "kind": "sqs",             the event is put into this queue
                "queueArn": "arn:aws:sqs:…:orders" } }
  { "target": { "kind": "step-functions",  an execution is started with it, of
                                           this version or alias
                "stateMachineArn": "arn:aws:states:…:stateMachine:fulfil:7" } }
  { "target": { "kind": "ecs",             a task is run with it
                "clusterArn": "arn:aws:ecs:…:cluster/builds",
                "taskDefinition": "builder:7",
                "container": "build",      which is given the event, and whose
                                           exit code counts
                "launchType": "FARGATE",   or "EC2"; default: the cluster's
                "network": { "subnets": ["subnet-…"],
                             "securityGroups": ["sg-…"],
                             "publicIp": false } } }

A URL's answer counts by its status: 200 to 299 is done, 429 is no room, other
statuses from 300 to 499 are final but 408 and 425, and the rest is tried again.
Retry-After is obeyed, and redirects are not followed.

What goes to a queue is done once the queue has it, so the invocation is sync;
tasks are async, and done when they end with 0. An execution is done once it is
started, or, async, when it ends well. Its state machine has to be a standard
one. A task or execution that hasn't ended after maxEventAgeMs and timeoutMs
counts as lost, and is tried again.

All this is the definition, and applying a file again changes that alone. What
operators say stays as they set it: default and fallback alias, cohort routes,
rollout, all-stable, which aliases are retired, and aliases that the file
doesn't name ('alias remove' takes one away). Only a component that is new takes
them from its file:
  "defaultAlias": "stable", "fallbackAlias": "stable",
  "cohortRoutes": [{ "cohort": "staff", "alias": "beta" }],
  "rollout": { "alias": "beta", "basisPoints": 500, "by": "customer",
               "salt": "any text" }

Refused, with what is wrong and where (exit code 1): a file that isn't JSON, a
field that there isn't, a value out of bounds, a pattern that EventBridge
wouldn't take, a rule whose alias isn't one of the component's. On AWS an alias
without a target, too (2). A freeze or a guardrail stands against it (4) unless
--force is given. What is odd but possible, such as "detailType", is a warning.
The component as it is comes from 'component show', in the form that is applied
here.

Examples:
  $ turnout component apply release-coordinator.json --reason "listens to push"
  $ turnout component show mailer | turnout component apply - --dry-run \\
      --reason "is it as it was?"
`,
    )
    .action(apply);
  changeOptions(
    command.command("remove").description("take a component away, also one that can't be read").argument("<name>"),
  )
    .addHelpText(
      "after",
      `
Its events go to nobody from then on, and deliveries of it that are open end as
dead. Pins of it stay, and count again if it is applied again.

Example:
  $ turnout component remove mailer --reason "replaced by postman"
`,
    )
    .action(remove);
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

async function apply(file: string, options: ChangeOptions): Promise<void> {
  const { name, value } = await readJsonInput(file);
  const component = mustRead(read(Component, value), name);
  for (const doubt of patternDoubts(component.pattern)) note(`warning: ${doubt}`);
  await withNewInstallation(willWrite(options), async (installation) => {
    refuseUnreachable(installation, component);
    const key = `component#${component.name}` as const;
    const before = readable((await installation.routingTable.rows([key])).rows.get(key));
    const kept = rulesLeftAlone(before, component);
    const left = kept.length === 0 ? "" : `; left alone, as operators set it: ${kept.join(", ")}`;
    await changeRouting(installation, options, {
      edit: { kind: "apply component", component },
      what: `apply component ${component.name}`,
      alreadySo: `component ${component.name} is like this already${left}`,
      details: (rows) => [...rows.flatMap(rowDetails), ...(left === "" ? [] : [left.slice(2)])],
      undo: ({ revisions }) => undoByRevert(revisions),
      now: new Date(),
    });
    if (options.dryRun) return;
    const applied = readable((await installation.routingTable.rows([key])).rows.get(key));
    if (applied !== undefined) await noteNowhere(installation, applied);
  });
}

/** On AWS nothing runs a worker, which is what a target is by default. @throws TurnoutError `usage` */
function refuseUnreachable({ versions }: Installation, { aliases }: Component): void {
  if (versions.from === "folders") {
    const others = Object.entries(aliases).filter(([, { target }]) => !REACHED["this machine"].has(target.kind));
    if (others.length === 0) return;
    const told = others.map(([alias, { target }]) => `${alias} (${target.kind})`).join(", ");
    throw usage(
      `Such a target is reached from AWS alone: ${told}. Apply this to an environment there, with --env or TURNOUT_ENV; ` +
        "on this machine a version in a folder or a URL can stand for it.",
    );
  }
  const workers = Object.entries(aliases).flatMap(([alias, { target }]) => (target.kind === "worker" ? [alias] : []));
  if (workers.length === 0) return;
  throw usage(
    `On AWS every alias needs a target, such as { "kind": "lambda", "functionArn": "arn:aws:lambda:…:function:…" }. ` +
      `None is given for ${workers.join(", ")}.`,
  );
}

async function remove(component: string, options: ChangeOptions): Promise<void> {
  await withInstallation((installation) =>
    changeRouting(installation, options, {
      edit: { kind: "remove component", component },
      what: `remove component ${component}`,
      alreadySo: `there is no component ${component}`,
      details: (rows) => [...rows.flatMap(rowDetails), "deliveries that are open end as dead; pins and versions stay"],
      undo: ({ revisions }) => undoByRevert(revisions),
      now: new Date(),
    }),
  );
}

async function list({ json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const { components, unreadable } = await routingTable.components();
    for (const { name, row } of unreadable)
      note(`component ${name} can't be read, and its events wait: ${row.problem}`);
    if (json) for (const component of components) printJson(component);
    else if (components.length === 0) note("no components");
    else printTable(COLUMNS, components);
  });
}

async function show(name: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
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
