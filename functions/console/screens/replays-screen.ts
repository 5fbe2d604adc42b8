import { html } from "hono/html";
import { type Replay, statusOf } from "../../../shared/domain/replays/replay.ts";
import { toldCounts } from "../../../shared/domain/replays/replay-told.ts";
import { UnreadableReplay } from "../../../shared/domain/replays/unreadable-replay.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { type DataColumn, dataTable } from "../page/data-table.ts";
import { filterInWords } from "../page/filter-in-words.ts";
import { actionLink, commandBlock, foreignText, instant, linkTo } from "../page/parts.ts";
import type { Html, Look, Page } from "../screen.ts";

type Listed = Replay | UnreadableReplay;

/** Beyond these one goes by a replay's name. */
const MOST_LISTED = 100;

/** What was delivered again, and is being: the newest first. */
export async function replaysScreen({ installation, visitor, now }: Look): Promise<Page> {
  const all = await installation.replays.list(MOST_LISTED);
  const above = html`<p class="buttons">${actionLink(visitor, "replay events", "replay-start", { ...lastHour(now), status: "unresolved", edit: "1" }, "Plan a replay")}</p>`;
  const command = commandLine("replay", "list", "--limit", String(MOST_LISTED));
  const body = html`${dataTable("Replays", columns(now), all, "Nothing has been delivered again yet.", ({ name }) => name)}
${commandBlock("The same by command", command)}`;
  return { title: "Replays", section: "replays", live: true, above, body };
}

function columns(now: Date): DataColumn<Listed>[] {
  const count = (title: string, of: (replay: Replay) => number): DataColumn<Listed> => ({
    title,
    isNumber: true,
    cell: known((replay) => of(replay)),
  });
  return [
    { title: "Replay", isHeading: true, cell: ({ name }) => linkTo("replay", { name }, name) },
    { title: "Status", cell: (replay) => statusMark(replay, now) },
    { title: "Asked for", cell: ({ requestedAt }) => instant(requestedAt) },
    { title: "Filter", cell: known(({ filter }) => filterInWords(filter)) },
    { title: "Mode", cell: known(({ mode }) => mode) },
    count("Planned", ({ planned }) => planned.sent),
    count("Sent", (replay) => toldCounts(replay).sent),
    count("Done", (replay) => toldCounts(replay).done),
    count("Dead", (replay) => toldCounts(replay).dead),
    { title: "By", cell: known(({ who }) => foreignText(who)) },
    { title: "Why", cell: known(({ why }) => foreignText(why)) },
  ];
}

function statusMark(replay: Listed, now: Date): Html {
  if (replay instanceof UnreadableReplay) return html`<span class="bad" title="${replay.problem}">unreadable</span>`;
  const status = statusOf(replay, now);
  const mark = status === "done" ? "good" : status === "failed" ? "bad" : status === "cancelled" ? "soft" : "warn";
  return html`<span class="${mark}">${status}</span>`;
}

/** What can't be read is told by its name and time alone. */
function known(of: (replay: Replay) => Html | string | number) {
  return (replay: Listed) => (replay instanceof UnreadableReplay ? "" : of(replay));
}

/** By whole minutes: the page stays the same within one. */
function lastHour(now: Date): { from: string; to: string } {
  const to = Math.floor(now.getTime() / 60_000) * 60_000;
  return { from: new Date(to - 3_600_000).toISOString(), to: new Date(to).toISOString() };
}
