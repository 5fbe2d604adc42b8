import type { Command } from "commander";
import { type EventOutcome, type OutcomeFilter, outcomeStatuses } from "../../shared/domain/event-outcome.ts";
import { timeWindow } from "../../shared/domain/time-window.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { listEvents } from "../../shared/flows/list-events.ts";
import { server, withState } from "./context.ts";
import { outcomeColumns, outcomeJson } from "./event-rows.ts";
import { componentNamed } from "./move-alias.ts";
import { duration, type JsonOption, jsonOption, must, subjectOptions, time, usage, wholeNumber } from "./options.ts";
import { note, plural, printJson } from "./output.ts";
import { tablePrinter } from "./table.ts";

type EventsOptions = JsonOption & OutcomeFilter & { since?: number; from?: Date; to?: Date; limit?: number };

export function define(command: Command): void {
  command
    .option("--since <duration>", "how far back from --to, e.g. 15m, 2h, 3d (default: 15m)", duration("--since"))
    .option("--from <time>", "from when, ISO 8601, UTC unless it says otherwise", time("--from"))
    .option("--to <time>", "until when (default: now)", time("--to"))
    .option("--component <name>", "only deliveries to this component");
  subjectOptions(command)
    .option("--alias <name>", "only what this alias handled")
    .option("--executed-version <version>", "only what this version ran, in any attempt")
    .option("--status <status>", `only this outcome: ${outcomeStatuses.join(", ")}`, status)
    .option("--limit <n>", "only the newest n", wholeNumber("--limit", 1));
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

Examples:
  $ turnout events --customer acme --since 1h
  $ turnout events --status dead --from 2026-11-20T10:00Z --json
`,
    )
    .action(list);
}

async function list({ json, since, from, to, limit, ...filter }: EventsOptions): Promise<void> {
  await withState(async (state) => {
    const now = new Date();
    const stated = { ...(since && { sinceMs: since }), ...(from && { from }), ...(to && { to }) };
    const window = must(timeWindow(stated, now), "The time window");
    note(`events from ${window.from.toISOString()} to ${window.to.toISOString()}`);
    const table = tablePrinter(outcomeColumns(window));
    const print = (outcomes: readonly EventOutcome[]) => {
      if (!json) table.print(outcomes);
      else for (const outcome of outcomes) printJson(outcomeJson(outcome));
    };
    let count = 0;
    let newest: EventOutcome[] = [];
    for await (const outcomes of listEvents(state.events, window, filter, new Date())) {
      count += outcomes.length;
      // What is asked for is the end, and only the end tells which that is.
      if (limit === undefined) print(outcomes);
      else newest = [...newest, ...outcomes].slice(-limit);
    }
    if (newest.length > 0) print(newest);
    if (limit !== undefined && count > limit) note(`the newest ${limit} of ${count}`);
    if (count === 0) note("no events");
    // A component may be gone and its events still there; one that never was is misspelt.
    if (count === 0 && filter.component !== undefined) await componentNamed(state.routingTable, filter.component);
    await tellWaiting(state, now);
  });
}

async function tellWaiting(state: EmbeddedState, now: Date): Promise<void> {
  const { visible } = await state.queue.depth(now);
  if (visible === 0 || server(state) !== undefined) return;
  note(`${plural(visible, "event")} in the queue, to be routed when a server runs ('npm start')`);
}

function status(text: string): string {
  if (outcomeStatuses.some((known) => known === text)) return text;
  throw usage(`--status: there is no '${text}'; there are ${outcomeStatuses.join(", ")}.`);
}
