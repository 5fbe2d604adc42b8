import { RevisionConflict } from "../../../shared/domain/errors.ts";
import { readSteps } from "../../../shared/domain/releases/read-steps.ts";
import { guardModes } from "../../../shared/domain/routing/guard-rule.ts";
import { releaseSalt, stepText } from "../../../shared/domain/routing/release.ts";
import { durationText, readDurationMs } from "../../../shared/domain/text/duration.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { changeRoutes } from "../../../shared/flows/change/change-routes.ts";
import type { ChangePreview } from "../../../shared/flows/change/preview-change.ts";
import type { MovePreview } from "../../../shared/flows/change/preview-move.ts";
import { planRelease, type ReleasePlan } from "../../../shared/flows/release/plan-release.ts";
import { objectionTexts } from "../../../shared/installation/wording/remedy-text.ts";
import { percentText } from "../pictures/figure-text.ts";
import type { Action, Asked, Done, Planned } from "./action.ts";
import { aliasIn, componentField, must, needed, wrong } from "./given.ts";
import { versionChoices } from "./version-choices.ts";

const shareIds = ["customer", "project", "user"] as const;

export const startReleaseAction: Action = {
  command: ["release", "start"],
  title: "Start a release",
  about:
    "Brings a version to everybody, step by step, by itself. A step ends once its time is over and the guard allows it.",
  right: "move versions",
  fields: [
    { ...componentField, isArgument: true },
    { name: "version", label: "Version", kind: "choice", required: true, choices: versionChoices },
    {
      name: "through",
      label: "Through",
      hint: "Cohorts, plans and shares one after another, such as cohort:staff,plan:free,5%,25%.",
      kind: "text",
      required: true,
    },
    {
      name: "every",
      label: "A step every",
      hint: "How long it lasts at least, such as 10m.",
      kind: "text",
      required: true,
    },
    { name: "guard", label: "If it is worse", kind: "choice", required: true, choices: guardModes.toReversed() },
    { name: "alias", label: "By way of the alias", hint: "Nothing: beta.", kind: "text" },
    { name: "by", label: "Shares by", kind: "choice", choices: shareIds },
    { name: "max-wait", label: "Wait for a verdict at most", hint: "Nothing: as long as it takes.", kind: "text" },
    { name: "name", label: "Name", hint: "Nothing: the version and the first words of the reason.", kind: "text" },
  ],
  plan: plannedRelease,
};

async function plannedRelease(asked: Asked): Promise<Planned> {
  const { installation, who, newId, now } = asked;
  const { routingTable: table, catalog, events } = installation;
  const plan = await planRelease({ table, catalog, events }, await askedRelease(asked));
  const { release, revision, edit, steps } = plan;
  const component = needed(asked.given, "component", "Component");
  return {
    what: `bring version ${release.version} of ${component} to everybody`,
    revision,
    lines: planLines(component, plan),
    objections: steps.flatMap(({ step, preview }) =>
      objectionTexts(preview).map((text) => `${stepText(step)}: ${text}`),
    ),
    async carryOut({ reason, command, force, expectedRevision }): Promise<Done> {
      if (expectedRevision !== revision) throw new RevisionConflict(expectedRevision, revision, undefined);
      const said = { who, why: reason, command, at: now, changeId: newId() };
      const made = await changeRoutes(table, { edit, ...said, expectedRevision, force });
      const { id } = release;
      return {
        what: `revision ${made.revision}: release ${id} of ${component} is begun`,
        lines: installation.isServed() ? [] : ["No server runs here: it goes on when one does."],
        undo: ["release", "abort", id, "--reason", `undo of revision ${made.revision}`],
        next: { screen: "release", params: { id }, text: "Watch the release" },
      };
    },
  };
}

async function askedRelease({
  installation,
  given,
  who,
  reason,
  now,
}: Asked): Promise<Parameters<typeof planRelease>[1]> {
  const guard = guardModes.find((mode) => mode === given.get("guard"));
  if (guard === undefined) throw wrong(`If it is worse: choose one of ${guardModes.join(", ")}.`);
  const by = shareIds.find((one) => one === (given.get("by") ?? "customer"));
  if (by === undefined) throw wrong(`Shares by: choose one of ${shareIds.join(", ")}.`);
  const component = needed(given, "component", "Component");
  const longest = given.get("max-wait");
  return {
    component,
    version: needed(given, "version", "Version"),
    steps: must(readSteps(needed(given, "through", "Through")), "Through"),
    by,
    salt: releaseSalt(component, await installation.routingTable.head()),
    everyMs: must(readDurationMs(needed(given, "every", "A step every")), "A step every"),
    ...(longest !== null && { maxWaitMs: must(readDurationMs(longest), "Wait for a verdict at most") }),
    guard,
    who,
    why: reason,
    alias: given.has("alias") ? aliasIn(given, "alias", "By way of the alias") : undefined,
    id: given.get("name") ?? undefined,
    at: now,
  };
}

/** Whom each step moves, together with those before it, as things are now. */
function planLines(component: string, { release, move, steps, promote }: ReleasePlan): string[] {
  const { version, alias, into, everyMs, guard } = release;
  const told = (what: string, { moves, traffic }: MovePreview | ChangePreview) => {
    const hour = traffic?.components.find((each) => each.component === component);
    const share = percentText(hour?.moved ?? 0, hour?.events ?? 0);
    return `${what}: ${plural(moves.count, "subject")}, ${share} of the last hour's events`;
  };
  return [
    `a step every ${durationText(everyMs)}, guard ${guard}`,
    ...(move === undefined ? [] : [told(`${alias} gets version ${version}, for who is on it already`, move.preview)]),
    ...steps.map(({ step, preview }) => told(`by ${stepText(step)}, moved besides`, preview)),
    told(`everybody: ${into}, in place of ${promote.move.from ?? "none"}`, promote.preview),
    `then its rules go, and ${alias} keeps ${version}`,
  ];
}
