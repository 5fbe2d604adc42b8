import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { readSteps } from "../../../shared/domain/releases/read-steps.ts";
import { type GuardMode, guardModes } from "../../../shared/domain/routing/guard-rule.ts";
import { type Release, type ReleaseStep, releaseSalt, stepText } from "../../../shared/domain/routing/release.ts";
import { shareText } from "../../../shared/domain/routing/rollout.ts";
import { durationText } from "../../../shared/domain/text/duration.ts";
import { changeRoutes, revisionConflict } from "../../../shared/flows/change/change-routes.ts";
import type { ChangePreview } from "../../../shared/flows/change/preview-change.ts";
import type { MovePreview } from "../../../shared/flows/change/preview-move.ts";
import { planRelease, type ReleasePlan } from "../../../shared/flows/release/plan-release.ts";
import { objectionTexts } from "../../../shared/installation/wording/remedy-text.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { confirm } from "../terminal/confirm.ts";
import { commandAsTyped, withInstallation } from "../terminal/context.ts";
import { aliasName, type ChangeOptions, changeOptions, duration, must, shareId, usage } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { required } from "../terminal/required-option.ts";
import { releaseJson } from "./release-text.ts";

type StartOptions = ChangeOptions & {
  version: string;
  through: ReleaseStep[];
  every: number;
  maxWait?: number;
  guard: GuardMode;
  alias?: string;
  by: Release["by"];
  name?: string;
};

export function defineStart(command: Command): void {
  command.argument("<component>", "the component");
  required(command, "--version <version>", "the version that everybody is to get");
  required(
    command,
    "--through <steps>",
    "whom it is brought to one after another, e.g. cohort:staff,plan:free,5%,25%",
    steps,
  );
  required(command, "--every <duration>", "how long a step lasts at least, e.g. 10m", duration("--every"));
  command
    .option(
      "--max-wait <duration>",
      "how much longer a step may wait for a verdict, then it pauses (default: for ever)",
      duration("--max-wait"),
    )
    .option(
      "--guard <mode>",
      `what is done if the version is worse: ${guardModes.join(", ")} (default: undo)`,
      guardMode,
      "undo",
    )
    .option("--alias <alias>", "the alias that carries the version (default: beta)", aliasName("--alias"))
    .option(
      "--by <id>",
      "which id decides who is in a share: project, customer or user (default: customer)",
      shareId,
      "customer",
    )
    .option("--name <id>", "its name (default: the version and the first words of the reason)");
  changeOptions(command)
    .addHelpText(
      "after",
      `
It runs on the server. First the alias gets the version, and with it whoever is
on that alias already; then each step sends some more to it: a cohort by a
route, a plan by a pin, a share by the component's rollout. A step ends when its
time is over and the guard has seen enough and doesn't speak against it: without
a verdict it waits. In the end the default alias gets the version, and the
release takes its rules away.

The guard compares the version with the fallback alias's at the same time, and
with what the same customers had before. If the version is worse:
  --guard watch     it is said
  --guard hold      the release pauses
  --guard rollback  everybody goes back to where they were
  --guard undo      and what failed on the version is delivered again

Freeze and all-stable hold it, and let it be taken back. A person's change to one
of its rules, or another version behind the default alias, pauses it. Where it
has paused by itself it is still taken back if the version is worse; where a
person has paused it, it stays as it is.
Guardrails hold it as they hold a person: what would need --force is said here.

Examples:
  $ turnout release start release-coordinator --version 24 \\
      --through cohort:staff,plan:free,5%,25%,100% --every 10m \\
      --reason "faster rule"
  $ turnout release start release-coordinator --version 24 --through 1%,10% \\
      --every 1h --max-wait 1d --guard hold --dry-run --reason "faster rule"
`,
    )
    .action(start);
}

async function start(component: string, options: StartOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const { routingTable: table, catalog, events } = installation;
    const at = new Date();
    const plan = await planRelease(
      { table, catalog, events },
      {
        component,
        version: options.version,
        steps: options.through,
        by: options.by,
        salt: releaseSalt(component, await table.head()),
        everyMs: options.every,
        ...(options.maxWait !== undefined && { maxWaitMs: options.maxWait }),
        guard: options.guard,
        ...(options.force && { force: true }),
        who: await installation.who(),
        why: options.reason,
        alias: options.alias,
        id: options.name,
        at,
      },
    );
    const { expectRevision } = options;
    if (expectRevision !== undefined && expectRevision !== plan.revision) {
      throw await revisionConflict(table, expectRevision, plan.revision);
    }
    if (!options.json || !options.yes) tellPlan(component, plan, options.force ?? false);
    for (const warning of warnings(plan)) note(`warning: ${warning}`);
    if (options.dryRun) {
      if (options.json) printJson(planJson(component, plan, { changed: false, dryRun: true }));
      return note("dry run: nothing was started");
    }
    await confirm("Start it?", options.yes ?? false);
    const { revision } = await changeRoutes(table, {
      edit: plan.edit,
      changeId: randomUUID(),
      who: plan.release.who,
      why: options.reason,
      command: commandAsTyped(),
      at,
      ...(expectRevision !== undefined && { expectedRevision: expectRevision }),
      force: options.force ?? false,
    });
    const { id } = plan.release;
    const undo = `${commandLine("release", "abort", id)} --reason "undo of revision ${revision}"`;
    if (options.json) printJson({ ...planJson(component, plan, { changed: true, dryRun: false }), revision, undo });
    else printLine(`revision ${revision}: release ${id} of ${component} is begun`);
    note(`watch it: ${commandLine("release", "watch", id)}`);
    note(`undo: ${undo}`);
    if (!installation.isServed()) note("no server runs here: it goes on when one does ('npm start')");
  });
}

function tellPlan(component: string, { release, revision, move, steps, promote }: ReleasePlan, force: boolean): void {
  const { id, version, alias, into, everyMs, guard } = release;
  const previews = [
    ...(move === undefined ? [] : [{ what: `${alias} gets version ${version}`, preview: move.preview }]),
    ...steps.map(({ step, preview }) => ({ what: stepText(step), preview })),
    { what: `everybody: ${into}, in place of ${promote.move.from ?? "none"}`, preview: promote.preview },
  ];
  note(`release ${id}: bring version ${version} of ${component} to everybody  (routing is at revision ${revision})`);
  note(`  a step every ${durationText(everyMs)}, guard ${guard}`);
  note(`  moved by then, beside those who are on ${alias} already, as things are now:`);
  const width = Math.max(...previews.map(({ what }) => what.length));
  const lines = previews.map(({ what, preview }) => [what.padEnd(width), ...audienceOf(component, preview)]);
  for (const [what = "", subjects = "", share = ""] of [
    ["".padEnd(width), "subjects", "last hour's events"],
    ...lines,
  ]) {
    note(`    ${what}  ${subjects.padStart("subjects".length)}  ${share.padStart("last hour's events".length)}`);
  }
  note(`  and then its rules go, and ${alias} keeps version ${version}`);
  for (const { what, preview } of previews) {
    if (preview.objections.length === 0) continue;
    const told = objectionTexts(preview).join("; ");
    note(force ? `  past a guardrail at '${what}': ${told}` : `  '${what}' needs --force, or it pauses there: ${told}`);
  }
}

/** Subjects of the directory, and the share of the last hour's events. */
function audienceOf(component: string, { moves, traffic }: MovePreview | ChangePreview): string[] {
  const hour = traffic?.components.find((each) => each.component === component);
  const share = hour === undefined || hour.events === 0 ? 0 : Math.round((hour.moved * 10_000) / hour.events);
  return [String(moves.count), shareText(share)];
}

function warnings({ steps }: ReleasePlan): string[] {
  let before = 0;
  let plans = 0;
  return steps.flatMap(({ step, preview }) => {
    // A plan is a subject itself.
    if (step.kind === "plan") plans += 1;
    const events = preview.traffic?.components.reduce((sum, { moved }) => sum + moved, 0) ?? 0;
    const moves = preview.moves.count - plans + events;
    const isIdle = moves <= before && step.kind !== "share";
    before = Math.max(before, moves);
    return isIdle ? [`${stepText(step)} moves nobody whom the directory or the last hour's events know`] : [];
  });
}

function planJson(component: string, plan: ReleasePlan, { changed, dryRun }: { changed: boolean; dryRun: boolean }) {
  const { release, revision, move, steps, promote } = plan;
  const told = ({ moves, traffic, objections }: MovePreview | ChangePreview) => ({
    subjects: moves.count,
    last_hour:
      traffic?.components.map(({ component: name, events, moved }) => ({ component: name, events, moved })) ?? [],
    objections: objectionTexts({ objections }),
  });
  return {
    changed,
    dry_run: dryRun,
    revision,
    ...releaseJson({ component: { name: component }, release }, undefined),
    planned: [
      ...(move === undefined ? [] : [{ step: `alias ${release.alias}`, ...told(move.preview) }]),
      ...steps.map(({ step, preview }) => ({ step: stepText(step), ...told(preview) })),
      { step: "everybody", ...told(promote.preview) },
    ],
    undo: null as string | null,
  };
}

function steps(text: string): ReleaseStep[] {
  return must(readSteps(text), "--through");
}

function guardMode(text: string): GuardMode {
  const mode = guardModes.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw usage(`--guard: there is no '${text}'; there are ${guardModes.join(", ")}.`);
}
