import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import type { AliasMove } from "../../../shared/domain/routing/alias-move.ts";
import { refuseName } from "../../../shared/flows/replay/start-replay.ts";
import { planUndo, refuseBusy, type UndoPlan, undoVersion } from "../../../shared/flows/versions/undo-version.ts";
import { sinceLines } from "../../../shared/installation/changes/asked-move.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { commandLineBack, noteUndo } from "../changes/undo-of-move.ts";
import { type FilterOptions, filterOf, handledOptions } from "../events/filter-options.ts";
import { complain } from "../terminal/complain.ts";
import { confirm } from "../terminal/confirm.ts";
import { commandAsTyped, withInstallation } from "../terminal/context.ts";
import { endPartlyDone } from "../terminal/exit-codes.ts";
import { aliasName, type ChangeOptions, duration, wholeNumber } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { expectedHead, previewJson, refuseExceeding, showAudience } from "../versions/move-alias.ts";
import { plannedJson } from "./replay-json.ts";
import { rateOptions, startOptions } from "./replay-options.ts";
import { noteCut, perSecondOf, type RateOptions, tell, tellingHowFar } from "./replay-plan.ts";
import {
  type ConfirmOptions,
  confirmReplay,
  follow,
  newName,
  noteOverlaps,
  noteUncalled,
  refuseMany,
} from "./replay-start.ts";

type UndoOptions = ConfirmOptions &
  RateOptions &
  ChangeOptions &
  FilterOptions & { since?: number; to?: string; all?: true };

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
    .option("--all", "also run again what it has done, for where that was done wrong")
    .option("--force", "go past a freeze; the change log says so");
  handledOptions(command);
  rateOptions(command);
  startOptions(command)
    .addHelpText(
      "after",
      `
Rolls the alias back, and delivers again what the version that it leaves has
left unresolved since it was promoted, in any attempt and by whichever alias:
what is dead, or waits for another attempt, is finished where the routing says
after the rollback, in the generation that it has, so that nothing has its
effect twice. What the version has done stays; where that was done wrong, --all
runs everything again that it handled, in a generation of its own. The plan
counts both. What would go to the bad version again, by another alias, is
skipped. Events that arrived up to an hour before the promotion are looked at
too, as they may have been handled after it. With a filter only what passes it
is delivered again.

It is one plan, one confirmation, and one pair of entries in the change log,
which name the replay. Allowed while changes are frozen. With --json the first
line says what was done, and the others are those of 'replay start --json'.

Exit code: 0 when the replay has ended and everything was delivered, 7 when
something of it is dead, it was cancelled or failed, or the rollback was made
and the replay could not be started; 130 when Ctrl-C ended the watching.

Examples:
  $ turnout undo release-coordinator beta \\
      --reason "23 fails for many"
  $ turnout undo release-coordinator beta --all --customer acme \\
      --reason "23 releases commits of acme whose checks failed"
`,
    )
    .action(undo);
}

async function undo(component: string, alias: string, options: UndoOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const head = await expectedHead(installation.routingTable, options);
    if (options.name !== undefined) await refuseName(installation.replays, options.name);
    const now = () => new Date();
    const since = options.since === undefined ? undefined : new Date(Date.now() - options.since);
    const asked = { component, alias, to: options.to, since, filter: filterOf(options), all: options.all ?? false };
    const undoPlan = await tellingHowFar((onProgress) => planUndo({ ...installation, now }, asked, onProgress));
    const { move, preview, request, plan } = undoPlan;
    noteCut(undoPlan.cut);
    if (!options.json || !options.yes) {
      note(`${whatText(move)}  (routing is at revision ${head})`);
      for (const line of sinceLines(undoPlan)) note(`  ${line}`);
      showAudience(move, preview);
      const what = options.all ? "run again all that" : "finish what";
      note(`and ${what} version ${move.from} has handled since ${undoPlan.since.toISOString()}:`);
      tell(plan, request, options, note);
      if (plan.counts.sent > 0) note(`of them  ${plan.sentDone} done before, ${plan.sentUnresolved} unresolved`);
      const done = plan.counts.skipped["done already"] ?? 0;
      if (!options.all && done > 0) note(`${done} that it has done stay as they are; --all runs them again`);
    }
    refuseExceeding(preview, options);
    await refuseBusy(installation.replays, move);
    await noteOverlaps(installation, request);
    refuseMany(plan, options);
    if (options.dryRun) {
      const json = { ...undoJson(undoPlan), dry_run: true, changed: false };
      if (options.json) printJson({ ...json, replay: null, revision: head, undo: null });
      return note("dry run: nothing was changed");
    }
    if (plan.counts.sent === 0) await confirm("There is nothing to replay so far. Roll back?", options.yes ?? false);
    else await confirmReplay(plan, "Roll back, and replay these?", options);
    await rollBackAndReplay(installation, undoPlan, options);
  });
}

async function rollBackAndReplay(installation: Installation, undoPlan: UndoPlan, options: UndoOptions): Promise<void> {
  const { move, preview } = undoPlan;
  const name = options.name ?? newName("undo", new Date());
  const ratePerSecond = perSecondOf(options);
  const by = {
    name,
    who: await installation.who(),
    why: options.reason,
    command: commandAsTyped(),
    force: options.force ?? false,
    ...(options.expectRevision === undefined ? {} : { expectedRevision: options.expectRevision }),
    ...(ratePerSecond === undefined ? {} : { ratePerSecond }),
    concurrency: options.concurrency,
  };
  const undone = await undoVersion({ ...installation, now: () => new Date(), newId: randomUUID }, undoPlan, by);
  if (undone.outcome === "unknown") noteUnknown(move.component, name, undone.unsure);
  if (undone.outcome === "unknown" || undone.outcome === "refused") throw undone.error;
  const { revision } = undone;
  const undo = commandLineBack(move, "rollback", revision, preview);
  if (!options.json) printLine(`revision ${revision}: ${whatText(move)}`);
  noteUndo(move, undo);
  const replay = undone.outcome === "undone" ? undone.replay : undefined;
  if (undone.outcome === "rolled back") {
    complain(undone.error);
    note(`The rollback was made, and its replay waits. Run it with: ${commandLine("replay", "resume", name)}`);
    endPartlyDone();
  } else noteUncalled(name, undone.uncalled);
  const json = { ...undoJson(undoPlan), dry_run: false, changed: true };
  if (options.json) printJson({ ...json, replay: replay?.name ?? null, revision, undo });
  if (replay !== undefined) await follow(installation, replay, options);
}

function noteUnknown(component: string, name: string, unsure: unknown): void {
  if (unsure !== undefined) complain(unsure);
  note(
    `The rollback may have been made, or be finished within minutes: see '${commandLine("aliases", component)}'. Its ` +
      `replay waits: run it with '${commandLine("replay", "resume", name)}', or end it with '${commandLine("replay", "cancel", name)}'.`,
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
