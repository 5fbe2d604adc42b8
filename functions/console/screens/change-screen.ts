import { html } from "hono/html";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { movedText } from "../../../shared/domain/routing/alias-move.ts";
import { wholeRowDetails } from "../../../shared/domain/routing/row-details.ts";
import { ruleWords } from "../../../shared/domain/routing/rule-words.ts";
import { changeOf } from "../../../shared/flows/change/change-log.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { commandBlock, facts, foreignText, instant, linkTo } from "../page/parts.ts";
import { undoButton } from "../page/undo-button.ts";
import type { Look, Page } from "../screen.ts";

/** All of one change: who, when and why, its rows before and after, and its undo. */
export async function changeScreen({ installation, visitor, query }: Look): Promise<Page> {
  const revision = Number(query.get("revision") ?? "");
  const change = Number.isSafeInteger(revision) ? await changeOf(installation.routingTable, revision) : undefined;
  if (change === undefined) {
    const head = await installation.routingTable.head();
    throw new TurnoutError("not found", `There is no revision ${query.get("revision")}; the newest is ${head}.`);
  }
  const { at, who, why, command, forced, rows, move, unreadable } = change;
  const title = `Revision ${revision}`;
  if (unreadable !== undefined)
    return { title, section: "changes", body: html`<p class="bad">It can't be read: ${foreignText(unreadable)}</p>` };
  const details = rows.flatMap(wholeRowDetails);
  const words = ruleWords(rows);
  const body = html`${facts([
    ["when", instant(at)],
    ["who", foreignText(who)],
    ["why", foreignText(why, 1_000)],
    ["command", html`<code>${foreignText(command, 2_000)}</code>`],
    ["forced", forced ? "past a freeze or a guardrail" : undefined],
    ["moved", move && foreignText(movedText(move))],
    ["what", words.length === 0 ? undefined : foreignText(words.join("; "), 2_000)],
    ["replay", move?.replay === undefined ? undefined : linkTo("replay", { name: move.replay }, move.replay)],
  ])}
<p class="buttons">${undoButton(change, visitor)}</p>
<h2>Rows</h2>
${
  details.length === 0
    ? html`<p class="none">It changed no rows.</p>`
    : html`<pre tabindex="0">${details.map(
        (line) => html`${foreignText(line, 500)}
`,
      )}</pre>`
}
<p>${linkTo("changes", { before: revision + 1 }, "Changes up to this one")}</p>
${commandBlock("The same by command", commandLine("history", "show", String(revision)))}`;
  return { title, section: "changes", body };
}
