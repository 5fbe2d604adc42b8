import { shareText } from "../../domain/routing/rollout.ts";
import type { VersionHealth } from "./health.ts";
import type { Standing, standingSubjects } from "./standing-subjects.ts";

/** Whose events a version gets, of all aliases that point at it. */
export function standingOn(
  { component, pointing }: Pick<VersionHealth, "component" | "pointing">,
  found: Awaited<ReturnType<typeof standingSubjects>>,
): Standing {
  const all = pointing.flatMap((alias) => found.get(component)?.get(alias) ?? []);
  return {
    named: all.reduce((sum, { named }) => sum + named, 0),
    isMore: all.some(({ isMore }) => isMore),
    hasOthers: all.some(({ hasOthers }) => hasOthers),
    basisPoints: all.reduce((sum, { basisPoints }) => sum + basisPoints, 0),
  };
}

/** `12`, `3 + 5%` of all others, `40 + rest`; with `≥` where the directory has more. */
export function standingText({ named, isMore, hasOthers, basisPoints }: Standing): string {
  const others = hasOthers ? "rest" : basisPoints > 0 ? shareText(basisPoints) : "";
  const count = named === 0 && others !== "" && !isMore ? "" : `${isMore ? "≥" : ""}${named}`;
  return [count, others].filter((text) => text !== "").join(" + ");
}

/** `12+` where only some of its failures were looked at. */
export function unresolvedText({ unresolved, counts, failures }: VersionHealth): string {
  const isMore = counts.failed > failures.length;
  return unresolved === 0 && !isMore ? "" : `${unresolved}${isMore ? "+" : ""}`;
}

/** E.g. `4.2ms`, `1.3s`. */
export function msText(ms: number | undefined): string {
  if (ms === undefined) return "";
  return ms < 1_000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}ms` : `${(ms / 1_000).toFixed(1)}s`;
}

/** In percent, with one digit behind the point; empty where there is nothing to have a share of. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "" : ((100 * part) / whole).toFixed(1);
}
