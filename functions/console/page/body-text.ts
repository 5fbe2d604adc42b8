import { printable } from "../../../shared/domain/text/printable.ts";
import { readJson } from "../../../shared/domain/text/schema.ts";

/** Longer text is cut: a page stays small whatever was published. */
const MOST_CHARS = 12_000;

/** JSON that is deeper is shown as it was published: indented, each level would be longer than the one before. */
const MOST_LEVELS = 40;

/** Text that somebody else wrote, in lines: JSON indented, and what nobody sees as escapes. */
export function bodyText(text: string): string {
  const cut = text.length > MOST_CHARS;
  const shown = cut ? text.slice(0, MOST_CHARS).toWellFormed() : indented(text);
  const lines = shown
    .slice(0, 3 * MOST_CHARS)
    .split("\n")
    .map(printable)
    .join("\n");
  return cut ? `${lines}\n… and ${text.length - MOST_CHARS} more characters` : lines;
}

function indented(text: string): string {
  if (levelsIn(text) > MOST_LEVELS) return text;
  const json = readJson(text);
  return json.ok && typeof json.value === "object" ? JSON.stringify(json.value, undefined, 2) : text;
}

/** At least as many as there are: brackets within words count, too. */
function levelsIn(text: string): number {
  let [level, most] = [0, 0];
  for (const character of text) {
    if (character === "{" || character === "[") most = Math.max(most, ++level);
    else if (character === "}" || character === "]") level--;
  }
  return most;
}
