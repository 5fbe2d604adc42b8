import { html } from "hono/html";
import { movedText } from "../../../shared/domain/routing/alias-move.ts";
import type { ChangeLogEntry } from "../../../shared/domain/routing/routing-change.ts";
import { ruleWords } from "../../../shared/domain/routing/rule-words.ts";
import { keyInWords } from "../../../shared/domain/text/split-key.ts";
import type { Html } from "../screen.ts";
import { foreignText } from "./parts.ts";

/** What a change has done, in the words of `history`. */
export function whatChanged({ rows, move, forced }: ChangeLogEntry): Html {
  const names = rows.slice(0, 2).map(({ key }) => keyInWords(key));
  const more = rows.length > names.length ? ` and ${rows.length - names.length} more` : "";
  const words = [...(move === undefined ? [] : [movedText(move)]), ...ruleWords(rows)];
  const what = words.length > 0 ? words.join("; ") : `${names.join(", ")}${more}`;
  return html`${foreignText(what)}${forced ? html` <span class="bad">forced</span>` : ""}`;
}
