import type { Command } from "commander";
import type { CohortRoute } from "../../../shared/domain/routing/cohort.ts";
import { outsidePeriod } from "../../../shared/domain/routing/period.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import { periodText } from "../../../shared/installation/wording/period-text.ts";
import { changeComponent } from "../changes/change-component.ts";
import { withInstallation } from "../terminal/context.ts";
import {
  aliasName,
  type ChangeOptions,
  changeOptions,
  cohortName,
  type JsonOption,
  jsonOption,
  type PeriodOptions,
  period,
  periodOptions,
} from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { required } from "../terminal/required-option.ts";
import { type Column, printTable } from "../terminal/table.ts";

type SetOptions = ChangeOptions & PeriodOptions & { to: string; before?: string };

export function define(command: Command): void {
  const setting = command
    .command("set")
    .description("send a cohort to an alias of a component")
    .argument("<component>", "the component")
    .argument("<cohort>", "the cohort", cohortName("The cohort"));
  required(setting, "--to <alias>", "the alias that its events go to", aliasName("--to")).option(
    "--before <cohort>",
    "put it ahead of this cohort's route (default: where it is, else last)",
    cohortName("--before"),
  );
  changeOptions(periodOptions(setting, "the route"))
    .addHelpText(
      "after",
      `
For a subject in several cohorts the first route in the component's order
counts.

Examples:
  $ turnout cohort-route set release-coordinator staff --to experimental \\
      --reason "we go first"
  $ turnout cohort-route set release-coordinator partners --to beta \\
      --before staff --for 2w --reason "partners week"
`,
    )
    .action(set);

  const removing = command
    .command("remove")
    .description("no longer send a cohort anywhere")
    .argument("<component>", "the component")
    .argument("<cohort>", "the cohort", cohortName("The cohort"));
  changeOptions(removing)
    .addHelpText(
      "after",
      `
Example:
  $ turnout cohort-route remove release-coordinator staff --reason "all on it"
`,
    )
    .action(remove);

  const listing = command
    .command("list")
    .description("list a component's cohort routes, in the order in which they count")
    .argument("<component>", "the component");
  jsonOption(listing)
    .addHelpText("after", "\nExample:\n  $ turnout cohort-route list release-coordinator\n")
    .action(list);
}

async function set(component: string, cohort: string, options: SetOptions): Promise<void> {
  const { to, before } = options;
  const now = new Date();
  const when = period(options, "The route", now);
  const place = before === undefined ? "" : `, before ${before}`;
  await withInstallation((installation) =>
    changeComponent(installation, options, {
      component,
      change: {
        set: "cohort route",
        route: { ...when, cohort, alias: to },
        ...(before === undefined ? {} : { before }),
      },
      what: `send cohort ${cohort} of ${component} to ${to}${periodText(when)}${place}`,
      alreadySo: `cohort ${cohort} of ${component} has this very route already`,
      now,
    }),
  );
}

async function remove(component: string, cohort: string, options: ChangeOptions): Promise<void> {
  await withInstallation((installation) =>
    changeComponent(installation, options, {
      component,
      change: { remove: "cohort route", cohort },
      what: `remove the route of cohort ${cohort} of ${component}`,
      alreadySo: `${component} has no route for cohort ${cohort}`,
      now: new Date(),
    }),
  );
}

async function list(name: string, { json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const { cohortRoutes } = await componentNamed(routingTable, name);
    const now = new Date();
    const routes = cohortRoutes.map((route, index) => ({
      ...route,
      order: index + 1,
      outside: outsidePeriod(route, now),
    }));
    if (json) for (const route of routes) printJson(toJson(name, route));
    else if (routes.length === 0) note(`${name} has no cohort routes`);
    else printTable(COLUMNS, routes);
  });
}

type ListedRoute = CohortRoute & { order: number; outside: string | undefined };

const COLUMNS: Column<ListedRoute>[] = [
  { title: "ORDER", text: ({ order }) => String(order), alignRight: true },
  { title: "COHORT", text: ({ cohort }) => cohort, least: 12 },
  { title: "ALIAS", text: ({ alias }) => alias, least: 6 },
  { title: "FROM", text: ({ from }) => from },
  { title: "UNTIL", text: ({ until }) => until },
  { title: "", text: ({ outside }) => outside, style: () => "yellow" },
];

function toJson(component: string, { order, cohort, alias, from, until, outside }: ListedRoute) {
  return { component, order, cohort, alias, from: from ?? null, until: until ?? null, counts: outside === undefined };
}
