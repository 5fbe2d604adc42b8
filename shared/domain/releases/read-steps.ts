import type { ReleaseStep } from "../routing/release.ts";
import { ReleaseStep as ReleaseStepSchema, stepText } from "../routing/release.ts";
import { readShare } from "../routing/rollout.ts";
import { type Read, read } from "../text/schema.ts";

/**
 * Reads a release's way, e.g. `cohort:staff,plan:free,5%,25%,100%`: in this order, each once, and every share above the
 * one before it, for nobody is to be taken back from a version that is fine. A plan with a comma in its name can't be
 * named so.
 */
export function readSteps(text: string): Read<ReleaseStep[]> {
  const steps: ReleaseStep[] = [];
  for (const part of text.split(",").map((each) => each.trim())) {
    const step = readStep(part);
    if (!step.ok) return step;
    const problem = problemAfter(steps, step.value);
    if (problem !== undefined) return { ok: false, problem };
    steps.push(step.value);
  }
  return { ok: true, value: steps };
}

function readStep(part: string): Read<ReleaseStep> {
  const [, kind, name = ""] = /^(cohort|plan):(.*)$/s.exec(part) ?? [];
  if (kind !== undefined) {
    const step = read(ReleaseStepSchema, kind === "cohort" ? { kind, cohort: name } : { kind, plan: name });
    return step.ok ? step : { ok: false, problem: `'${part}': ${step.problem}` };
  }
  const share = readShare(part);
  if (!share.ok) {
    const asked = part.endsWith("%") ? share.problem : "expected cohort:NAME, plan:NAME or a share such as 5%";
    return { ok: false, problem: `'${part}': ${asked}` };
  }
  if (share.value === 0) return { ok: false, problem: `'${part}': a share of nothing is no step` };
  return { ok: true, value: { kind: "share", basisPoints: share.value } };
}

function problemAfter(steps: readonly ReleaseStep[], step: ReleaseStep): string | undefined {
  if (steps.some((other) => stepText(other) === stepText(step))) return `${stepText(step)} is named twice`;
  if (step.kind !== "share") return undefined;
  const before = steps.findLast((other) => other.kind === "share");
  if (before === undefined || before.basisPoints < step.basisPoints) return undefined;
  return `${stepText(step)} comes after ${stepText(before)}: a share can only grow`;
}
