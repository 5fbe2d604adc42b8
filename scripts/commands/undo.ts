import type { Command } from "commander";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { DEFAULT_RATE_PER_SECOND, MAX_ACTIVE_REPLAYS, type ReplayRequest } from "../../shared/domain/replay.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { confirm } from "./confirm.ts";
import { withState } from "./context.ts";
import { expectedHead, moveAs, noteUndo, refuseFrozen, showAudience, undoOfMove } from "./move-alias.ts";
import { aliasName, duration, type MutationOptions, wholeNumber } from "./options.ts";
import { note, printJson, printLine } from "./output.ts";
import { rateOptions, startOptions } from "./replay-options.ts";
import {
  type ConfirmOptions,
  confirmReplay,
  follow,
  newName,
  noteOverlaps,
  plannedReplay,
  type RateOptions,
  refuseMany,
  start,
  storedWindow,
  tell,
} from "./replay-start.ts";
import { countsJson } from "./replay-text.ts";
import { rollbackOf } from "./rollback.ts";
import { commandLine } from "./shell-quote.ts";

type UndoOptions = ConfirmOptions & RateOptions & MutationOptions & { since?: number; to?: string };

/** An event that arrived before the version was promoted may have been handled by it after: a retry, or a queue behind. */
const ARRIVED_BEFORE_MS = 3_600_000;

export function define(command: Command): void {
  command
    .argument("<component>", "the component")
    .argument("<alias>", "the alias that points at the bad version", aliasName("The alias"))
    .option("--since <duration>", "what it handled since then (default: since it was promoted)", duration("--since"))
    .option("--to <version>", "the version to go back to (default: the one promoted there before)")
    .option(
      "--expect-revision <n>",
      "refuse if the routing is at another revision",
      wholeNumber("--expect-revision", 0),
    )
    .option("--force", "go past a freeze; the change log says so");
  rateOptions(command);
  startOptions(command)
    .addHelpText(
      "after",
      `
Rolls the alias back, and replays exactly what the version that it leaves has handled since it was promoted, in any
attempt and by whichever alias: each event goes to where the routing says after the rollback, in a generation of its
own. What would go to the bad version again, by another alias, is skipped. Events that arrived up to an hour before the
promotion are looked at too, as they may have been handled after it.

It is one plan, one confirmation, and one pair of entries in the change log, which name the replay.

Example:
  $ turnout undo release-coordinator beta --reason "23 releases commits whose checks failed"
`,
    )
    .action(undo);
}

async function undo(name: string, alias: string, options: UndoOptions): Promise<void> {
  await withState(async (state) => {
    const now = new Date();
    const head = await expectedHead(state.routingTable, options);
    const { move, standing, details } = await rollbackOf(state, name, alias, options.to);
    if (move.from === move.to) {
      throw new TurnoutError(
        "usage",
        `${alias} of ${name} points at version ${move.to} already. Name another with --to.`,
      );
    }
    const since = options.since === undefined ? standing.since : new Date(now.getTime() - options.since);
    if (since === undefined) {
      throw new TurnoutError(
        "usage",
        `The change log doesn't say since when ${alias} of ${name} has been at ${move.from}. Say it with --since.`,
      );
    }
    const window = { from: new Date(since.getTime() - ARRIVED_BEFORE_MS), to: new Date(now.getTime() + 1) };
    const request: ReplayRequest = {
      window: await storedWindow(state, window, now),
      filter: { component: name, executedVersion: move.from, ranSince: since.toISOString() },
      mode: "rerun",
      target: { kind: "today" },
      avoidVersion: move.from,
    };
    const plan = await plannedReplay(afterMove(state, move), request, now);
    const what = `roll ${alias} of ${name} back from ${move.from} to version ${move.to}`;
    const { sent } = plan.counts;
    const json = { ...move, replay: null, dry_run: options.dryRun ?? false, planned: countsJson(plan.counts) };
    if (!options.json || !options.yes) {
      note(`${what}  (routing is at revision ${head})`);
      for (const line of details) note(`  ${line}`);
      await showAudience(state.routingTable, name, alias, now);
      note(`and replay what version ${move.from} has handled since ${since.toISOString()}:`);
      tell(plan, request, options, note);
    }
    await refuseFrozen(state.routingTable, "rollback", options);
    await refuseBusy(state);
    await noteOverlaps(state, request);
    refuseMany(plan, options);
    if (options.dryRun) {
      if (options.json) printJson({ ...json, changed: false, revision: head, undo: null });
      return note("dry run: nothing was changed");
    }
    if (sent === 0) await confirm("There is nothing to replay. Roll back?", options.yes ?? false);
    else await confirmReplay(plan, "Roll back, and replay these?", options);
    const replay = sent === 0 ? undefined : (options.name ?? newName("undo", now));
    // First: what is replayed must not go to the version that is being left.
    const revision = await moveAs(state, move, "rollback", options, replay);
    const back = undoOfMove(move, revision);
    if (options.json) printJson({ ...json, replay: replay ?? null, changed: true, revision, undo: back });
    else printLine(`revision ${revision}: ${what}`);
    noteUndo(move, back);
    if (replay === undefined) return;
    const { rate = DEFAULT_RATE_PER_SECOND } = options;
    try {
      // What was claimed up to the rollback went to the version that is left.
      const covered = { ...request, window: { ...request.window, to: new Date(Date.now() + 1) } };
      const started = await start(state, covered, plan, { ...options, name: replay, rate }, new Date());
      await follow(state, started, options);
    } catch (error) {
      note(`The rollback was made; the replay was not started. Start it with '${replayCommand(request)}'.`);
      throw error;
    }
  });
}

/** The state as it would be with the alias moved: nothing else of it is asked by a plan. */
function afterMove(state: EmbeddedState, { component, alias, to }: { component: string; alias: string; to: string }) {
  const aliases = async (name: string) =>
    (await state.catalog.aliases(name)).map((target) =>
      name === component && target.alias === alias ? { ...target, version: to } : target,
    );
  return { ...state, catalog: { ...state.catalog, aliases } };
}

/** Before anything is moved. @throws TurnoutError `not allowed` */
async function refuseBusy({ replays }: EmbeddedState): Promise<void> {
  const active = await replays.active();
  if (active.length < MAX_ACTIVE_REPLAYS) return;
  throw new TurnoutError(
    "not allowed",
    `Nothing was changed: ${active.length} replays are under way, and no more may be. Cancel one, or roll back alone with 'turnout rollback'.`,
  );
}

function replayCommand({ window, filter }: ReplayRequest): string {
  const from = window.from.toISOString();
  return commandLine(
    "replay",
    "start",
    "--from",
    from,
    "--component",
    filter.component,
    "--executed-version",
    filter.executedVersion,
    "--reason",
    "undo",
  );
}
