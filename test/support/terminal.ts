import { stripVTControlCharacters } from "node:util";
import type { CliResult } from "./cli-process.ts";

export const terminalWidths = [80, 100, 140, 200] as const;

/** What a command prints where its stdout is a terminal of so many columns, line by line, without colours. */
export async function linesAt(columns: number, run: () => Promise<CliResult>): Promise<string[]> {
  const before = { isTTY: process.stdout.isTTY, columns: process.stdout.columns };
  Object.assign(process.stdout, { isTTY: true, columns });
  try {
    return stripVTControlCharacters((await run()).stdout)
      .trimEnd()
      .split("\n");
  } finally {
    Object.assign(process.stdout, before);
  }
}

/** Where a column begins in each of the lines: at the same place in all, if nothing has pushed it aside. */
export function beginnings(lines: readonly string[], title: string): number[] {
  const at = lines[0]?.indexOf(title) ?? -1;
  return at < 0 ? [] : [...new Set(lines.map((line) => (line.length <= at || line[at - 1] === " " ? at : -1)))];
}
