import type { Commit, Outcome, ProjectFacts } from "./release-facts.ts";

export type Verdict = { ready: boolean; why: string };

export type Choice = { release: string | null; why: string; passedOver: { sha: string; why: string }[] };

/** What one version of this component is: its own idea of when a commit may be released. */
export type Rule = {
  version: string;
  judge: (commit: Commit, project: ProjectFacts) => Verdict;
  explain?: (choice: Choice) => string;
};

/** The newest commit that the rule lets through; reads no further than that. */
export function chooseRelease(rule: Rule, newestFirst: Iterable<Commit>, project: ProjectFacts): Choice {
  const passedOver: Choice["passedOver"] = [];
  for (const commit of newestFirst) {
    const { ready, why } = rule.judge(commit, project);
    if (ready) return { release: commit.sha, why: `${short(commit.sha)}: ${why}`, passedOver };
    passedOver.push({ sha: commit.sha, why });
  }
  const newest = passedOver[0];
  const why =
    newest === undefined
      ? "no commit seen on the default branch"
      : `no commit is ready; the newest, ${short(newest.sha)}, ${newest.why}`;
  return { release: null, why, passedOver };
}

/** Ready once every check has finished with an outcome that counts as passed, or if there are none. */
export function judgeChecks(commit: Commit, countsAsPassed: readonly Outcome[]): Verdict {
  const checks = [...commit.checks].sort(([a], [b]) => (a < b ? -1 : 1));
  const names = (is: (outcome: Outcome) => boolean) => checks.filter(([, { outcome }]) => is(outcome)).map(([n]) => n);
  const running = names((outcome) => outcome === "running");
  const notPassed = names((outcome) => outcome !== "running" && !countsAsPassed.includes(outcome));
  if (notPassed.length > 0) return { ready: false, why: `did not pass ${notPassed.join(", ")}` };
  if (running.length > 0) return { ready: false, why: `waits for ${running.join(", ")}` };
  return { ready: true, why: checks.length === 0 ? "no checks seen" : `passed all of its checks (${checks.length})` };
}

export const short = (sha: string): string => sha.slice(0, 7);
