import { RevisionConflict, TurnoutError } from "../../../shared/domain/errors.ts";
import { matchedRows } from "../../../shared/domain/replays/matched-rows.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_RATE_PER_SECOND } from "../../../shared/domain/replays/replay.ts";
import { overlapping } from "../../../shared/flows/replay/plan-start.ts";
import { keptText } from "../../../shared/flows/replay/start-replay.ts";
import { planUndo, refuseBusy, type UndoPlan, undoVersion } from "../../../shared/flows/versions/undo-version.ts";
import { audienceLines, moveWarnings } from "../../../shared/installation/wording/preview-lines.ts";
import { errorText, objectionTexts } from "../../../shared/installation/wording/remedy-text.ts";
import { commandBack } from "../../../shared/installation/wording/undo-commands.ts";
import { histogramPicture } from "../pictures/histogram-picture.ts";
import type { Action, Agreed, Asked, Done, Planned } from "./action.ts";
import { aliasIn, componentField, needed } from "./given.ts";
import { atMostField, newReplayName, refuseMany, replayPlanLines } from "./replay-plan-lines.ts";
import { placedAliasChoices, versionChoices } from "./version-choices.ts";

export const undoAction: Action = {
  command: ["undo"],
  title: "Undo the version",
  about:
    "Rolls an alias back, and delivers again what the version has left unresolved since it came there: one plan, one agreement.",
  right: "replay events",
  fields: [
    { ...componentField, isArgument: true },
    { name: "alias", label: "Alias", kind: "choice", required: true, isArgument: true, choices: placedAliasChoices },
    {
      name: "to",
      label: "Back to the version",
      hint: "Nothing: what was promoted there before.",
      kind: "choice",
      choices: versionChoices,
    },
    { name: "all", label: "Run again also what the version has done", kind: "flag" },
    atMostField,
  ],
  plan: plannedUndo,
};

async function plannedUndo(asked: Asked): Promise<Planned> {
  const { installation, given, now } = asked;
  const revision = await installation.routingTable.head();
  const component = needed(given, "component", "Component");
  const alias = aliasIn(given, "alias", "Alias");
  const about = {
    component,
    alias,
    to: given.get("to") ?? undefined,
    since: undefined,
    filter: {},
    all: given.has("all"),
  };
  const plan = await planUndo({ ...installation, now: () => now }, about, () => {});
  const { move, preview, request, since, cut } = plan;
  const overlaps = await overlapping(installation.replays, request.window);
  const what = `roll ${alias} of ${component} back from ${move.from} to version ${move.to}`;
  const { sentDone, sentUnresolved } = plan.plan;
  return {
    what,
    revision,
    lines: [
      ...audienceLines(move, preview),
      `and ${about.all ? "run again all that" : "finish what"} version ${move.from} has handled since ${since.toISOString()}:`,
      ...replayPlanLines(request, plan.plan),
      `of them ${sentDone} done before, ${sentUnresolved} unresolved`,
    ],
    picture: histogramPicture("matched", matchedRows(request.window, plan.plan.perMinute)),
    warnings: [
      ...moveWarnings(preview),
      ...(cut === undefined ? [] : [`${keptText(cut)}: the window begins then`]),
      ...overlaps.map(({ name }) => `replay ${name} is under way on a part of this window`),
    ],
    objections: objectionTexts(preview),
    async carryOut(agreed): Promise<Done> {
      if (agreed.expectedRevision !== revision)
        throw new RevisionConflict(agreed.expectedRevision, revision, undefined);
      refuseMany(plan.plan.counts.sent, given);
      await refuseBusy(installation.replays, move);
      return carriedOut(asked, plan, agreed, what);
    },
  };
}

async function carriedOut(
  { installation, who, now, newId }: Asked,
  plan: UndoPlan,
  agreed: Agreed,
  what: string,
): Promise<Done> {
  const { reason: why, command, force, expectedRevision } = agreed;
  const name = newReplayName("undo", now, newId);
  const speed = { ratePerSecond: DEFAULT_RATE_PER_SECOND, concurrency: DEFAULT_CONCURRENCY };
  const by = { name, who, why, command, force, expectedRevision, ...speed };
  // What it covers ends when the rollback is made, which is later than it was asked for.
  const begun = performance.now();
  const since = () => new Date(now.getTime() + (performance.now() - begun));
  const undone = await undoVersion({ ...installation, now: since, newId }, plan, by);
  if (undone.outcome === "unknown" || undone.outcome === "refused") throw undone.error;
  const { revision } = undone;
  const uncalled = undone.outcome === "undone" ? undone.uncalled : undefined;
  const undo = commandBack(plan.move, "rollback", revision, plan.preview);
  return {
    what: `revision ${revision}: ${what}`,
    lines: [
      ...(undone.outcome === "rolled back"
        ? [`The rollback was made, and its replay waits: ${errorLine(undone.error)}`]
        : []),
      ...(uncalled === undefined ? [] : [`The replay begins within a minute: ${uncalled}`]),
    ],
    ...(undo && { undo }),
    next: { screen: "replay", params: { name }, text: "Watch what is delivered again" },
  };
}

function errorLine(error: unknown): string {
  if (error instanceof TurnoutError) return errorText(error);
  return error instanceof Error ? error.message : String(error);
}
