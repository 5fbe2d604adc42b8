import { type CommandWords, commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import type { Action } from "./action.ts";

/** An action's name in an address, e.g. `rollout-set`. */
export function actionName({ command }: Pick<Action, "command">): string {
  return command.join("-");
}

/** The command that does what a form does, as it was filled in. Without a reason there is a place for one. */
export function commandOf({ command, fields }: Action, given: URLSearchParams, reason: string, force = false): string {
  const values = fields.flatMap((field) => given.getAll(field.name).map((value) => ({ field, value })));
  const named = values.filter(({ field }) => !field.isArgument);
  return commandLine(
    ...command,
    ...values.filter(({ field }) => field.isArgument).map(({ value }) => value),
    ...named.flatMap(({ field, value }) => (field.kind === "flag" ? [`--${field.name}`] : [`--${field.name}`, value])),
    "--reason",
    reason === "" ? "TEXT" : reason,
    force ? "--force" : undefined,
  );
}

/** A command as a form that is filled in: an undo as a button. Undefined where there is no form that says all of it. */
export function formOf(
  words: CommandWords,
  actions: Iterable<Action>,
): { action: Action; given: URLSearchParams } | undefined {
  const said = words.filter((word) => word !== undefined);
  // The longest command that it begins with: `alias set` rather than `alias`.
  const [action] = [...actions]
    .filter(({ command }) => command.every((word, index) => said[index] === word))
    .sort((a, b) => b.command.length - a.command.length);
  if (action === undefined) return undefined;
  const given = new URLSearchParams();
  const unnamed = action.fields.filter(({ isArgument }) => isArgument).map(({ name }) => name);
  const rest = said.slice(action.command.length);
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const field = action.fields.find(({ name, isArgument }) => !isArgument && word === `--${name}`);
    const value = field?.kind === "flag" ? "yes" : rest[0];
    if (word === "--force") continue;
    if (field !== undefined || word === "--reason") {
      if (value === undefined) return undefined;
      given.append(word.slice(2), value);
      if (field?.kind !== "flag") rest.shift();
      continue;
    }
    // The last argument takes all that are left, such as the revisions of a revert.
    const name = unnamed.length > 1 ? unnamed.shift() : unnamed[0];
    if (name === undefined || word.startsWith("--")) return undefined;
    given.append(name, word);
  }
  return { action, given };
}
