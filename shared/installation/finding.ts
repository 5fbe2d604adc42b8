/** What an examination has found about one thing. A `warning` lets everything work for now. */
export type Finding = {
  /** What was looked at, e.g. `routing table`. */
  check: string;
  status: "ok" | "warning" | "problem";
  found: string;
  /** What to do about it. */
  remedy?: string;
};

export function fine(check: string, found: string): Finding {
  return { check, status: "ok", found };
}

export function warning(check: string, found: string, remedy: string): Finding {
  return { check, status: "warning", found, remedy };
}

export function problem(check: string, found: string, remedy: string): Finding {
  return { check, status: "problem", found, remedy };
}
