import type { Command } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { movedText } from "../../../shared/domain/routing/alias-move.ts";
import type { ChangeLogEntry, Revision } from "../../../shared/domain/routing/routing-change.ts";
import { wholeRowDetails } from "../../../shared/domain/routing/row-details.ts";
import { ruleWords } from "../../../shared/domain/routing/rule-words.ts";
import { changeOf } from "../../../shared/flows/change/change-log.ts";
import { labelled } from "../../../shared/installation/wording/explanation-rows.ts";
import { withInstallation } from "../terminal/context.ts";
import { type JsonOption, jsonOption, usage, wholeNumber } from "../terminal/options.ts";
import { printJson, printLine } from "../terminal/output.ts";
import { changeJson, undoOfChange } from "./logged-change.ts";

export function defineShow(command: Command): void {
  const showing = command
    .command("show")
    .description("tell all of one change: who, when, why, the command, its rows before and after, and its undo")
    .argument("<revision>", "its number, as 'history' lists it", wholeNumber("REVISION", 1));
  jsonOption(showing)
    .addHelpText(
      "after",
      `
A place that was there before and after says both ('→'), one that was added '+',
one that went '-'. Exits with 3 where there is no such revision.

Example:
  $ turnout history show 42
`,
    )
    .action((revision: Revision, _: object, { parent }: Command) => show(revision, listOptions(parent)));
}

/** Commander takes an option that 'history' has for its own, wherever it stands. @throws TurnoutError `usage` for a filter */
function listOptions(history: Command | null): JsonOption {
  const { json, ...filters } = history?.opts<JsonOption & Record<string, unknown>>() ?? {};
  const [filter] = Object.keys(filters);
  if (filter !== undefined) throw usage(`--${filter}: 'history show' takes a revision, and no filter.`);
  return json ? { json } : {};
}

async function show(revision: Revision, { json }: JsonOption): Promise<void> {
  await withInstallation(async ({ routingTable }) => {
    const change = await changeOf(routingTable, revision);
    if (change === undefined) {
      const head = await routingTable.head();
      const says = head === 0 ? "nothing has been changed yet" : `the routing is at revision ${head}`;
      throw new TurnoutError("not found", `There is no revision ${revision}: ${says}.`, {
        remedies: head === 0 ? [] : [{ operation: "list changes" }],
      });
    }
    if (json) printJson(changeJson(change));
    else for (const line of toLines(change)) printLine(line);
  });
}

function toLines(change: ChangeLogEntry): string[] {
  const { revision, at, who, why, command, forced, rows, move, unreadable } = change;
  if (unreadable !== undefined) return [`revision ${revision}`, ...labelled("can't be read", [unreadable])];
  return [
    `revision ${revision}, ${at.toISOString()}`,
    ...labelled("who", [who]),
    ...labelled("why", [why]),
    ...labelled("command", [command]),
    ...labelled("forced", forced ? ["past a freeze or a guardrail"] : []),
    ...labelled("moved", move === undefined ? [] : [movedText(move)]),
    ...labelled("what", ruleWords(rows)),
    ...labelled("rows", rows.flatMap(wholeRowDetails)),
    ...labelled("undo", [undoOfChange(change) ?? noUndo(change)]),
  ];
}

function noUndo({ move }: ChangeLogEntry): string {
  if (move?.stage === "intended") return "none: it only says what is going to be done, and a later change that it was";
  if (move?.stage === "abandoned") return "none: nothing was moved";
  if (move !== undefined) return "none: the alias pointed nowhere before, and can only be moved elsewhere";
  return "none: it changed nothing";
}
