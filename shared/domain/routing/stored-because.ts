import type { Because } from "./decide-route.ts";

/** The rule that a stored row names, which may have had another name when the row was written. */
export function becauseOf(stored: string): Because {
  return stored === "replay target" ? "replay destination" : (stored as Because);
}
