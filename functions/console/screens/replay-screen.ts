import { html } from "hono/html";
import {
  isEnded,
  type Replay,
  skipReasons,
  statusOf,
  type VersionCount,
} from "../../../shared/domain/replays/replay.ts";
import { differenceLines, goneThroughTo, statusText, toldCounts } from "../../../shared/domain/replays/replay-told.ts";
import { replayNamed } from "../../../shared/flows/replay/start-replay.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { dataTable } from "../page/data-table.ts";
import { filterInWords } from "../page/filter-in-words.ts";
import { actionLink, commandBlock, facts, foreignText, instant, linkTo } from "../page/parts.ts";
import { histogramPicture } from "../pictures/histogram-picture.ts";
import { progressPicture } from "../pictures/progress-picture.ts";
import type { Html, Look, Page } from "../screen.ts";

/** One replay, as it goes. */
export async function replayScreen({ installation, visitor, now, query }: Look): Promise<Page> {
  const replay = await replayNamed(installation.replays, query.get("name") ?? "");
  const counts = toldCounts(replay);
  const unserved = !isEnded(replay) && !installation.isServed();
  const body = html`
<p class="${replay.progress.failed ? "bad" : ""}"><b>${statusText(replay, now)}</b>${trouble(replay)}</p>
${unserved ? html`<p class="warn">No server runs here: it goes on when one does.</p>` : ""}
${progressPicture("progress", counts, replay.planned.sent, isEnded(replay))}
${replay.matched && histogramPicture("matched", replay.matched, goneThroughTo(replay))}
<p class="buttons">${buttons(replay, visitor, now)}</p>
${requestFacts(replay)}
<h2>Where it goes</h2>
${dataTable("Versions", versionColumns, counts.versions, "Nothing has been sent yet.", ({ component, alias, version }) => `to-${component}-${alias}-${version}`)}
${skippedPart(replay)}
${statusOf(replay, now) === "done" ? differencesPart(replay) : ""}
${commandBlock("The same by command", commandLine("replay", "show", replay.name))}`;
  return { title: `Replay ${replay.name}`, section: "replays", live: true, body };
}

function trouble({ progress: { trouble: told } }: Replay): Html | string {
  return told === undefined ? "" : html`; trouble: ${foreignText(told, 1_000)}`;
}

function buttons(replay: Replay, visitor: Look["visitor"], now: Date): Html {
  const { name, asked, progress } = replay;
  const button = (action: string, text: string) =>
    actionLink(visitor, "replay events", `replay-${action}`, { name }, text);
  const events = linkTo("stream", { replay: name, from: replay.window.from.toISOString() }, "What it delivered");
  if (progress.failed) return html`${button("resume", "Resume")}${button("cancel", "Cancel")} ${events}`;
  if (isEnded(replay) || asked === "cancel") return html`${events}`;
  const isPaused = ["paused", "pausing"].includes(statusOf(replay, now));
  return html`${isPaused ? button("resume", "Resume") : button("pause", "Pause")}${button("cancel", "Cancel")} ${events}`;
}

function requestFacts(replay: Replay): Html {
  const { window, filter, mode, destination, avoidVersion, ratePerSecond, concurrency, progress } = replay;
  const { who, why, requestedAt, askedBy, asked, command } = replay;
  const at = (time: Date | undefined) => time && instant(time);
  const to = destination.kind === "alias" ? `alias ${destination.alias}` : wheres[destination.kind];
  return facts([
    ["why", foreignText(why, 1_000)],
    ["by", foreignText(who)],
    ["command", html`<code>${foreignText(command, 1_000)}</code>`],
    ["window", html`${instant(window.from)} to ${instant(window.to)}`],
    ["filter", filterInWords(filter)],
    ["mode", mode === "rerun" ? "rerun: every match is run once more" : "finish: what is dead or waits is tried again"],
    ["to", avoidVersion === undefined ? to : `${to}, but nothing to version ${avoidVersion}`],
    ["rate", `${ratePerSecond === undefined ? "unlimited" : `${ratePerSecond}/s`}, ${concurrency} at once`],
    ["asked for", instant(requestedAt)],
    ["began", at(progress.startedAt)],
    ["first sent", at(progress.firstSentAt)],
    ["ended", at(progress.endedAt)],
    [
      "last asked",
      askedBy && html`to ${asked}, by ${foreignText(askedBy.who)} at ${askedBy.at}: ${foreignText(askedBy.why)}`,
    ],
  ]);
}

const wheres = { today: "where the routing says when it is sent", original: "the alias that handled it before" };

const versionColumns = [
  { title: "Component", isHeading: true, cell: ({ component }: VersionCount) => foreignText(component) },
  { title: "Alias", cell: ({ alias }: VersionCount) => foreignText(alias) },
  { title: "Version", cell: ({ version }: VersionCount) => (version === "" ? "none" : foreignText(version)) },
  { title: "Deliveries", isNumber: true, cell: ({ count }: VersionCount) => count },
];

type Skipped = { reason: keyof typeof skipReasons; count: number };

function skippedPart(replay: Replay): Html | string {
  const rows = Object.entries(toldCounts(replay).skipped).map(([reason, count]) => ({ reason, count }) as Skipped);
  if (rows.length === 0) return "";
  const columns = [
    { title: "Skipped because", isHeading: true, cell: ({ reason }: Skipped) => reason },
    { title: "Which means", cell: ({ reason }: Skipped) => skipReasons[reason] },
    { title: "Deliveries", isNumber: true, cell: ({ count }: Skipped) => count },
  ];
  const sorted = rows.toSorted((a, b) => b.count - a.count);
  return html`<h2>What it skips</h2>${dataTable("Skipped", columns, sorted, "", ({ reason }) => `skipped-${reason}`)}`;
}

function differencesPart(replay: Replay): Html | string {
  const lines = differenceLines(replay);
  if (lines.length === 0) return "";
  return html`<h2>Not as planned</h2><ul>${lines.map((line) => html`<li>${foreignText(line)}</li>`)}</ul>`;
}
