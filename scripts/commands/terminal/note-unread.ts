import type { RowKey } from "../../../shared/domain/routing/routing-change.ts";
import { readable, UnreadableRow } from "../../../shared/domain/routing/unreadable-row.ts";
import { keyInWords } from "../../../shared/domain/text/split-key.ts";
import { unreadText } from "../../../shared/installation/examine-rows.ts";
import { note } from "./output.ts";

/** The row, if it can be read. Of one that can't it is said on stderr: a list lacks what is in it. */
export function readOrNote<T extends object>(key: RowKey, row: T | UnreadableRow | null | undefined): T | undefined {
  if (row instanceof UnreadableRow) note(`${keyInWords(key)} ${unreadText(key)}: ${row.problem}`);
  return readable(row);
}
