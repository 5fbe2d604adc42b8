import { html } from "hono/html";
import { nextText, stateText } from "../../../shared/domain/releases/release-state.ts";
import { isUnderWay, type Release, releaseActor } from "../../../shared/domain/routing/release.ts";
import { durationText } from "../../../shared/domain/text/duration.ts";
import { lookAtRelease } from "../../../shared/flows/release/advance-release.ts";
import { releaseNamed } from "../../../shared/flows/release/find-release.ts";
import { judgeRelease } from "../../../shared/flows/release/judge-release.ts";
import { type ReleaseStanding, standingOf } from "../../../shared/flows/release/release-standing.ts";
import { verdictOf } from "../../../shared/flows/watch/guard-told.ts";
import { guardsOf } from "../../../shared/flows/watch/guards-of.ts";
import { startAgain } from "../../../shared/installation/changes/asked-release.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { actionLink, commandBlock, facts, foreignText, instant, linkTo } from "../page/parts.ts";
import { guardMeters } from "../pictures/meters-picture.ts";
import { stepsPicture } from "../pictures/steps-picture.ts";
import type { Html, Look, Page } from "../screen.ts";

/** One release: how far it is, what the guard says of its version, and what comes next. */
export async function releaseScreen({ installation, visitor, now, query }: Look): Promise<Page> {
  const { routingTable: table, catalog, watches } = installation;
  const { component, release } = await releaseNamed(table, query.get("id") ?? "");
  const judge: Parameters<typeof lookAtRelease>[0]["judge"] = (...of) => judgeRelease(watches, ...of);
  const looked = await lookAtRelease({ table, catalog, judge }, component, now);
  const standing = await standingOf(installation, { component, release });
  const guarded = (await guardsOf(installation, component.name)).find(
    ({ alias, version }) => alias === release.alias && version === release.version,
  );
  const verdict = guarded && verdictOf(guarded);
  const said = release.ended ?? release.ending ?? release.paused;
  const body = html`
<p><b class="${markOf(release)}">${foreignText(stateText(release))}</b>${said === undefined ? "" : html`, by ${foreignText(said.who)} at ${instant(new Date(said.at))}: ${foreignText(said.why, 1_000)}`}</p>
${stepsPicture("steps", release)}
<p class="buttons">${buttons(release, visitor)}</p>
${
  looked === undefined
    ? ""
    : facts([
        ["the guard", foreignText(looked.verdict.told, 1_000)],
        ["next", foreignText(nextText(looked), 1_000)],
      ])
}
${verdict === undefined ? "" : guardMeters("meters", verdict)}
${releaseFacts(component.name, release, standing)}
${release.ended !== undefined && release.ended.how !== "done" && commandBlock("Starts it again", `${commandLine(...startAgain(component, release, []))} --reason TEXT`)}
${commandBlock("The same by command", commandLine("release", "show", release.id))}`;
  return { title: `Release ${release.id}`, section: "releases", live: true, body };
}

function markOf(release: Release): string {
  if (release.ended !== undefined) return release.ended.how === "done" ? "good" : "bad";
  return release.paused === undefined ? "" : "warn";
}

function buttons(release: Release, visitor: Look["visitor"]): Html {
  const { id, paused, ending } = release;
  const button = (action: string, text: string) =>
    actionLink(visitor, "move versions", `release-${action}`, { id }, text);
  if (!isUnderWay(release) || ending !== undefined) return html``;
  return html`${paused === undefined ? button("pause", "Pause") : button("resume", "Resume")}${button("abort", "Take it back")}`;
}

function releaseFacts(
  component: string,
  release: Release,
  { aliasVersion, intoVersion, replay }: ReleaseStanding,
): Html {
  const { version, alias, into, everyMs, maxWaitMs, guard, force, who, why, startedAt, by } = release;
  const waits = maxWaitMs === undefined ? "" : `, ${durationText(maxWaitMs)} longer at most for a verdict`;
  return facts([
    ["component", linkTo("component", { name: component }, component)],
    ["version", html`${foreignText(version)} by way of ${foreignText(alias)} into ${foreignText(into)}`],
    [
      "points now",
      html`${foreignText(alias)} at ${foreignText(aliasVersion ?? "none")}, ${foreignText(into)} at ${foreignText(intoVersion ?? "none")}`,
    ],
    ["replay", replay && (replay.found ? linkTo("replay", { name: replay.name }, replay.name) : "not begun")],
    ["a step every", `${durationText(everyMs)}${waits}`],
    ["shares by", by],
    ["if it is worse", guard],
    ["forced", force ? "its steps go past the guardrails" : undefined],
    ["begun", html`${instant(new Date(startedAt))} by ${foreignText(who)}: ${foreignText(why, 1_000)}`],
    ["its changes", linkTo("changes", { who: releaseActor(release) }, releaseActor(release))],
  ]);
}
