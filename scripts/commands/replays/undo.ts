import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { MAX_ACTIVE_REPLAYS, type Replay, type ReplayRequest } from "../../../shared/domain/replays/replay.ts";
import type { AliasMove } from "../../../shared/domain/routing/alias-move.ts";
import type { MovePreview } from "../../../shared/flows/change/preview-move.ts";
import type { PlannedReplay } from "../../../shared/flows/replay/plan-replay.ts";
import { askOfReplay, refuseName } from "../../../shared/flows/replay/start-replay.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { commandBack, noteUndo } from "../changes/undo-of-move.ts";
import { type FilterOptions, filterOf, handledOptions } from "../events/filter-options.ts";
import { complain } from "../terminal/complain.ts";
import { confirm } from "../terminal/confirm.ts";
import { withInstallation } from "../terminal/context.ts";
import { endPartlyDone } from "../terminal/exit-codes.ts";
import { aliasName, duration, type MutationOptions, wholeNumber } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { commandLine } from "../terminal/shell-quote.ts";
import { expectedHead, moveAs, previewJson, previewOf, showAudience } from "../versions/move-alias.ts";
import { rollbackOf } from "../versions/rollback.ts";
import { plannedJson } from "./replay-json.ts";
import { rateOptions, startOptions } from "./replay-options.ts";
import { plannedReplay, type RateOptions, storedWindow, tell } from "./replay-plan.ts";
import {
  type ConfirmOptions,
  callForReplay,
  confirmReplay,
  follow,
  newName,
  noteOverlaps,
  refuseMany,
  start,
} from "./replay-start.ts";

type UndoOptions = ConfirmOptions & RateOptions & MutationOptions & FilterOptions & { since?: number; to?: string };

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
  handledOptions(command);
  rateOptions(command);
  startOptions(command)
    .addHelpText(
      "after",
      `
Rolls the alias back, and replays exactly what the version that it leaves has
handled since it was promoted, in any attempt and by whichever alias: each event
goes to where the routing says after the rollback, in a generation of its own.
What would go to the bad version again, by another alias, is skipped. Events
that arrived up to an hour before the promotion are looked at too, as they may
have been handled after it. With a filter only what passes it is replayed, and
the rest stays as the bad version left it. Of what is sent the plan counts apart
what was done, and has its effect once more, and what is unresolved: --status
done or --unresolved replays one of them.

It is one plan, one confirmation, and one pair of entries in the change log,
which name the replay. Allowed while changes are frozen. With --json the first
line says what was done, and the others are those of 'replay start --json'.

Exit code: 0 when the replay has ended and everything was delivered, 7 when
something of it is dead, it was cancelled or failed, or the rollback was made
and the replay could not be started; 130 when Ctrl-C ended the watching.

Examples:
  $ turnout undo release-coordinator beta \\
      --reason "23 releases commits whose checks failed"
  $ turnout undo release-coordinator beta --customer acme --unresolved \\
      --reason "23 fails for acme"
`,
    )
    .action(undo);
}

/** A rollback and the replay that belongs to it. */
type UndoPlan = {
  move: AliasMove & { from: string };
  preview: MovePreview;
  request: ReplayRequest;
  plan: PlannedReplay;
};

async function undo(name: string, alias: string, options: UndoOptions): Promise<void> {
  await withInstallation(async (state) => {
    const { routingTable } = state;
    const now = new Date();
    const head = await expectedHead(routingTable, options);
    if (options.name !== undefined) await refuseName(state.replays, options.name);
    const { move, standing, details } = await rollbackOf(state, name, alias, options.to);
    if (move.from === move.to) {
      throw new TurnoutError(
        "usage",
        `${alias} of ${name} points at version ${move.to} already. Name another with --to.`,
      );
    }
    const since = sinceWhen(move, standing.since, options, now);
    const window = { from: new Date(since.getTime() - ARRIVED_BEFORE_MS), to: new Date(now.getTime() + 1) };
    const request: ReplayRequest = {
      window: await storedWindow(state, window, now),
      filter: {
        ...filterOf(options),
        component: name,
        executedVersion: move.from,
        ranSince: since.toISOString(),
        ranBehind: alias,
      },
      mode: "rerun",
      target: { kind: "today" },
      avoidVersion: move.from,
    };
    const plan = await plannedReplay(afterMove(state, move), request, now);
    const preview = await previewOf(state, move, "rollback", now);
    if (!options.json || !options.yes) {
      note(`${whatText(move)}  (routing is at revision ${head})`);
      for (const line of details) note(`  ${line}`);
      showAudience(move, preview);
      note(`and replay what version ${move.from} has handled since ${since.toISOString()}:`);
      tell(plan, request, options, note);
      if (plan.counts.sent > 0) note(`of them  ${plan.sentDone} done before, ${plan.sentUnresolved} unresolved`);
    }
    await refuseBusy(state, move);
    await noteOverlaps(state, request);
    refuseMany(plan, options);
    if (options.dryRun) {
      const json = { ...undoJson({ move, preview, request, plan }), dry_run: true, changed: false };
      if (options.json) printJson({ ...json, replay: null, revision: head, undo: null });
      return note("dry run: nothing was changed");
    }
    if (plan.counts.sent === 0) await confirm("There is nothing to replay so far. Roll back?", options.yes ?? false);
    else await confirmReplay(plan, "Roll back, and replay these?", options);
    await rollBackAndReplay(state, { move, preview, request, plan }, options);
  });
}

const CLOCKS_DIFFER_MS = 300_000;

/** A replay that is prepared covers what is handled up to the rollback, whenever that is made. */
const PREPARED_FOR_MS = 3_600_000;

/**
 * The replay is stored first, and waits: were this process to end in between, there is either a replay that can be
 * cancelled, or one that can be resumed. It runs after the rollback, for nothing of it may go to the version that is left.
 */
async function rollBackAndReplay(state: Installation, undoPlan: UndoPlan, options: UndoOptions): Promise<void> {
  const { move, preview, request, plan } = undoPlan;
  const asked = new Date();
  const name = options.name ?? newName("undo", asked);
  const window = { ...request.window, to: new Date(asked.getTime() + PREPARED_FOR_MS) };
  const prepared = await start(state, { ...request, window }, plan, { ...options, name }, asked, "pause");
  const revision = await moveAs(state, move, "rollback", preview, options, name).catch(async (error: unknown) => {
    await leavePrepared(state, move, name, error).catch(complain);
    throw error;
  });
  const undo = commandBack(move, "rollback", revision, preview);
  if (!options.json) printLine(`revision ${revision}: ${whatText(move)}`);
  noteUndo(move, undo);
  const replay = await runPrepared(state, prepared);
  const json = { ...undoJson(undoPlan), dry_run: false, changed: true };
  if (options.json) printJson({ ...json, replay: replay?.name ?? null, revision, undo });
  if (replay !== undefined) await follow(state, replay, options);
}

/** What becomes of the prepared replay where the rollback has failed: it may have been made, or be finished by the sweeper. */
async function leavePrepared(state: Installation, move: AliasMove, name: string, error: unknown): Promise<void> {
  const aliases = await state.catalog.aliases(move.component);
  const version = aliases.find(({ alias }) => alias === move.alias)?.version ?? null;
  if (error instanceof TurnoutError && error.kind !== "failed" && version === move.from) {
    const why = "the rollback was not made";
    await askOfReplay(state.replays, name, { asked: "cancel", who: await state.who(), why, at: new Date() });
    return;
  }
  note(
    `The rollback may have been made, or be finished within minutes: see '${commandLine("aliases", move.component)}'. Its ` +
      `replay waits: run it with '${commandLine("replay", "resume", name)}', or end it with '${commandLine("replay", "cancel", name)}'.`,
  );
}

/** Undefined when it could not be run: by then the alias has been moved, and that stays. */
async function runPrepared(installation: Installation, prepared: Replay): Promise<Replay | undefined> {
  const { name, window } = prepared;
  try {
    // What was claimed up to the rollback went to the version that is left.
    // And some more, as clocks differ: what was handled by others, or later, isn't matched.
    const covered = { ...window, to: new Date(Date.now() + CLOCKS_DIFFER_MS) };
    const replay = await installation.replays.update({ ...prepared, asked: "run", window: covered });
    if (replay === undefined) throw new TurnoutError("conflict", `Somebody else has changed replay '${name}'.`);
    await callForReplay(installation, name);
    return replay;
  } catch (error) {
    complain(error);
    note(`The rollback was made, and its replay waits. Run it with: ${commandLine("replay", "resume", name)}`);
    endPartlyDone();
    return undefined;
  }
}

function sinceWhen(
  { alias, component, from }: UndoPlan["move"],
  known: Date | undefined,
  options: UndoOptions,
  now: Date,
) {
  if (options.since !== undefined) return new Date(now.getTime() - options.since);
  if (known !== undefined) return known;
  throw new TurnoutError(
    "usage",
    `The change log doesn't say since when ${alias} of ${component} has been at ${from}. Say it with --since.`,
  );
}

function whatText({ component, alias, from, to }: AliasMove): string {
  return `roll ${alias} of ${component} back from ${from} to version ${to}`;
}

function undoJson({ move, preview, plan }: UndoPlan) {
  const { counts, sentDone, sentUnresolved } = plan;
  const planned = { ...plannedJson(counts), sent_done: sentDone, sent_unresolved: sentUnresolved };
  return { ...move, ...previewJson(preview), planned };
}

/** The state as it would be with the alias moved: nothing else of it is asked by a plan. */
function afterMove(state: Installation, { component, alias, to }: { component: string; alias: string; to: string }) {
  const aliases = async (name: string) =>
    (await state.catalog.aliases(name)).map((target) =>
      name === component && target.alias === alias ? { ...target, version: to } : target,
    );
  return { ...state, catalog: { ...state.catalog, aliases } };
}

/** Before anything is moved. @throws TurnoutError `not allowed` */
async function refuseBusy({ replays }: Installation, { component, alias, to }: AliasMove): Promise<void> {
  const active = await replays.active();
  if (active.length < MAX_ACTIVE_REPLAYS) return;
  const names = active.map(({ name }) => name).join(", ");
  throw new TurnoutError(
    "not allowed",
    `Nothing was changed: ${active.length} replays are under way (${names}), and no more may be. ` +
      `Cancel one, or roll back alone with '${commandLine("rollback", component, alias, "--to", to)} --reason TEXT'.`,
  );
}
