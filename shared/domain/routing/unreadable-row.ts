/**
 * A row that can't be read, damaged by hand or by an older fault: what is wrong with it, and its text as it is stored. It
 * stands where the row would, so that it can be shown, exported, and changed or removed like any other.
 */
export class UnreadableRow {
  /** What is wrong and where, e.g. `row.pattern.source must be an array …`. */
  readonly problem: string;
  readonly text: string;

  constructor(problem: string, text: string) {
    this.problem = problem;
    this.text = text;
  }

  /** What stands in its place in JSON: what is stored, as far as that is JSON, else its text. */
  toJSON(): unknown {
    try {
      return JSON.parse(this.text);
    } catch {
      return this.text;
    }
  }
}

/** The row, if it can be read; an unreadable one is as good as absent. */
export function readable<T extends object>(row: T | UnreadableRow | null | undefined): T | undefined {
  return row instanceof UnreadableRow ? undefined : (row ?? undefined);
}

/** The row, if it can't be read. */
export function unreadable(row: object | null | undefined): UnreadableRow | undefined {
  return row instanceof UnreadableRow ? row : undefined;
}
