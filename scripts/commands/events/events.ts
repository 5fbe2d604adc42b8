import type { Command } from "commander";
import type { EventOutcome } from "../../../shared/domain/deliveries/event-outcome.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { listEvents } from "../../../shared/flows/explain/list-events.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption, wholeNumber } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { tablePrinter } from "../terminal/table.ts";
import { outcomeColumns, outcomeJson } from "../wording/event-rows.ts";
import { refuseMisspelt } from "./filter-names.ts";
import {
  type FilterOptions,
  filterOf,
  filterOptions,
  filterText,
  noticesOption,
  type WindowOptions,
  windowOf,
  windowOptions,
} from "./filter-options.ts";

type EventsOptions = JsonOption & FilterOptions & WindowOptions & { limit?: number; notices?: true };

export function define(command: Command): void {
  noticesOption(filterOptions(windowOptions(command))).option(
    "--limit <n>",
    "only the newest n",
    wholeNumber("--limit", 1),
  );
  jsonOption(command)
    .addHelpText(
      "after",
      `
One line per event and component, the newest last.
  unmatched   no component listens to the event
  waiting     a component listens, and no router has taken it up yet
  duplicate   the same event came before, and was not run again
  rejected    it can't be read, or its key was used for another payload
  claimed     a router is at it
  accepted    its version took it, and says later what became of it
  failed      it will be tried again; 'turnout event show' says when
  dead        it was given up, and is kept
  repaired    it was given up, and the replay that is named made it good
What is dead or rejected is unresolved: --unresolved lists it, until a later
replay has delivered the event to that component. What was rejected for its
key never runs, and stays: it takes an event with a key of its own.

Examples:
  $ turnout events --customer acme --since 1h
  $ turnout events --unresolved --since 1d
  $ turnout events --status dead --from 2026-11-20T10:00Z --json
`,
    )
    .action(list);
}

async function list(options: EventsOptions): Promise<void> {
  const { json, limit, notices } = options;
  const filter = filterOf(options);
  await withInstallation(async (installation) => {
    const now = new Date();
    const window = windowOf(options, now);
    note(`events from ${window.from.toISOString()} to ${window.to.toISOString()}`);
    const table = tablePrinter(outcomeColumns(window));
    const print = (outcomes: readonly EventOutcome[]) => {
      if (!json) table.print(outcomes);
      else for (const outcome of outcomes) printJson(outcomeJson(outcome));
    };
    let count = 0;
    let newest: EventOutcome[] = [];
    const ports = { events: installation.events, routing: routingCache(installation.routingTable) };
    for await (const outcomes of listEvents(ports, window, { ...filter, ...(notices && { notices }) }, new Date())) {
      count += outcomes.length;
      // What is asked for is the end, and only the end tells which that is.
      if (limit === undefined) print(outcomes);
      else newest = [...newest, ...outcomes].slice(-limit);
    }
    if (newest.length > 0) print(newest);
    table.end();
    if (limit !== undefined && count > limit) note(`the newest ${limit} of ${count}`);
    if (count === 0) {
      const wanted = filterText(filter);
      note(wanted === "" ? "no events" : `no events match ${wanted}`);
      await refuseMisspelt(installation, filter);
    }
    await tellWaiting(installation, now);
  });
}

async function tellWaiting(installation: Installation, now: Date): Promise<void> {
  if (installation.isServed()) return;
  const waiting = await installation.waiting(now);
  if (waiting === 0) return;
  note(`${plural(waiting, "event")} in the queue, to be routed when a server runs ('npm start')`);
}
