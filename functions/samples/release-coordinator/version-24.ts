import { coordinator } from "./coordinator.ts";
import type { Commit } from "./release-facts.ts";
import { type Choice, judgeChecks, type Rule, short } from "./release-rule.ts";

/**
 * Experimental: a check that was skipped or is neutral doesn't hold a release up; a project that deploys to
 * environments other than production must have got the commit onto one of them first.
 */
export const rule: Rule = {
  version: "24",
  judge: (commit, project) => {
    const checks = judgeChecks(commit, ["passed", "skipped", "neutral"]);
    if (!checks.ready || !project.staged) return checks;
    const stage = stageOf(commit);
    if (stage === undefined) return { ready: false, why: "waits for a deployment before production" };
    return { ready: true, why: `${checks.why}, deployed to ${stage}` };
  },
  explain,
};

export const handler = coordinator(rule);

function stageOf(commit: Commit): string | undefined {
  const stages = [...commit.deployments]
    .filter(([key, { outcome }]) => key.startsWith("stage:") && outcome === "passed")
    .map(([key]) => key.slice("stage:".length));
  return stages.sort()[0];
}

/** The choice and up to three newer commits that it passed over, as one sentence each. */
function explain(choice: Choice): string {
  const newer = choice.passedOver.slice(0, 3).map(({ sha, why }) => `${short(sha)} ${why}.`);
  const chosen = choice.release === null ? "Nothing is released." : `Released is ${choice.why}.`;
  return [chosen, ...newer].join(" ");
}
