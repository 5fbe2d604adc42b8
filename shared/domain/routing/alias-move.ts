/** An alias goes from one version to another; from null: it pointed nowhere yet. */
export type AliasMove = { component: string; alias: string; from: string | null; to: string };

/** Why it goes: only a rollback takes back what was promoted, the others promote. */
export type MoveKind = "publish" | "promote" | "rollback" | "set";

/**
 * A move as the change log tells it: `intended` before the alias is moved, and then once `settled`, when it points at
 * the version, or `abandoned`, when it was not moved.
 */
export type LoggedMove = AliasMove & {
  kind: MoveKind;
  stage: "intended" | "settled" | "abandoned";
  /** The intended entry's revision, in the entry that ends it. */
  intent?: number;
  /** The replay that belongs to it, for an undo. */
  replay?: string;
};

/** E.g. `stable of release-coordinator: 22 → 23 (settled)`. */
export function movedText({ component, alias, from, to, stage }: LoggedMove): string {
  return `${alias} of ${component}: ${from ?? "nowhere"} → ${to} (${stage})`;
}
