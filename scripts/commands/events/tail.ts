import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { tailEvents } from "../../../shared/flows/explain/tail-events.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption } from "../terminal/options.ts";
import { note, printJson } from "../terminal/output.ts";
import { steadyPrinter } from "../terminal/table.ts";
import { outcomeColumns, outcomeJson } from "../wording/event-rows.ts";
import { type FilterOptions, filterOf, filterOptions, noticesOption } from "./filter-options.ts";

export function define(command: Command): void {
  noticesOption(filterOptions(command));
  jsonOption(command)
    .addHelpText(
      "after",
      `
A line per event and component as its outcome is known, and another one when
that changes; Ctrl-C ends it. Events that arrived before are listed by 'turnout
events'.

Examples:
  $ turnout tail --customer acme
  $ turnout tail --unresolved --json
`,
    )
    .action(tail);
}

async function tail({ json, notices, ...options }: JsonOption & FilterOptions & { notices?: true }): Promise<void> {
  await withInstallation(async ({ events, routingTable }) => {
    const now = new Date();
    note("waits for events; Ctrl-C ends it");
    const table = steadyPrinter(outcomeColumns({ from: now, to: new Date(now.getTime() + 1) }));
    const ports = {
      events,
      routing: routingCache(routingTable),
      now: () => new Date(),
      delay: (ms: number) => delay(ms),
    };
    for await (const outcomes of tailEvents(ports, { ...filterOf(options), ...(notices && { notices }) })) {
      if (!json) table.print(outcomes);
      else for (const outcome of outcomes) printJson(outcomeJson(outcome));
    }
  });
}
