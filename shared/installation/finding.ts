import type { Remedy } from "../domain/remedy.ts";

/** What an examination has found about one thing. A `warning` lets everything work for now. */
export type Finding = {
  /** What was looked at, e.g. `routing table`. */
  check: string;
  status: "ok" | "warning" | "problem";
  found: string;
  /** What to do about it, one or another. */
  remedies: readonly Remedy[];
};

export function fine(check: string, found: string): Finding {
  return { check, status: "ok", found, remedies: [] };
}

export function warning(check: string, found: string, ...remedies: Remedy[]): Finding {
  return { check, status: "warning", found, remedies };
}

export function problem(check: string, found: string, ...remedies: Remedy[]): Finding {
  return { check, status: "problem", found, remedies };
}
