/** How a check or a deployment stands. The order is how cautious each is; see `later`. */
export type Outcome = "running" | "passed" | "neutral" | "skipped" | "failed";

export type Standing = { outcome: Outcome; atMs: number };

/** One thing a webhook event says about one commit, with GitHub's own time for it. */
export type Fact =
  | { kind: "head"; sha: string; atMs: number; committedAtMs: number; rewritten: boolean }
  | { kind: "check"; sha: string; check: string; outcome: Outcome; atMs: number }
  | { kind: "deployment"; sha: string; environment: string; production: boolean; outcome: Outcome; atMs: number };

export type Commit = {
  sha: string;
  /** The latest time at which it is known to have been the default branch's head; null while it isn't known to be. */
  headAtMs: number | null;
  committedAtMs: number;
  lastAtMs: number;
  checks: ReadonlyMap<string, Standing>;
  /** By environment, prefixed `production:` or `stage:`. */
  deployments: ReadonlyMap<string, Standing>;
};

export type ProjectFacts = {
  /** True once any deployment to an environment that isn't production was seen. */
  staged: boolean;
  /** When the default branch was last rewritten by a forced push; commits from before may no longer be on it. */
  historyStartsAtMs: number;
};

export const newProject: ProjectFacts = { staged: false, historyStartsAtMs: 0 };

export const newCommit = (sha: string): Commit => ({
  sha,
  headAtMs: null,
  committedAtMs: 0,
  lastAtMs: 0,
  checks: new Map(),
  deployments: new Map(),
});

/*
 * Both folds take only maxima of what they have seen, so events may come in any order and any number of times.
 */

/** What is known of a commit once `fact` is known too. */
export function foldCommit(commit: Commit, fact: Fact): Commit {
  const seen = { ...commit, lastAtMs: Math.max(commit.lastAtMs, fact.atMs) };
  switch (fact.kind) {
    case "head":
      return {
        ...seen,
        headAtMs: Math.max(commit.headAtMs ?? 0, fact.atMs),
        committedAtMs: Math.max(commit.committedAtMs, fact.committedAtMs),
      };
    case "check":
      return { ...seen, checks: withLater(commit.checks, fact.check, fact) };
    case "deployment":
      return { ...seen, deployments: withLater(commit.deployments, deploymentKey(fact), fact) };
  }
}

/** What is known of a project once `fact` is known too. */
export function foldProject(project: ProjectFacts, fact: Fact): ProjectFacts {
  if (fact.kind === "deployment" && !fact.production) return { ...project, staged: true };
  if (fact.kind === "head" && fact.rewritten)
    return { ...project, historyStartsAtMs: Math.max(project.historyStartsAtMs, fact.atMs) };
  return project;
}

const deploymentKey = (fact: { production: boolean; environment: string }) =>
  `${fact.production ? "production" : "stage"}:${fact.environment}`;

function withLater(standings: ReadonlyMap<string, Standing>, key: string, { outcome, atMs }: Standing) {
  const known = standings.get(key);
  return new Map(standings).set(key, known === undefined ? { outcome, atMs } : later(known, { outcome, atMs }));
}

const caution: readonly Outcome[] = ["running", "passed", "neutral", "skipped", "failed"];

/** GitHub's times are whole seconds: within one, finished beats running and failed beats passed. */
function later(a: Standing, b: Standing): Standing {
  if (a.atMs !== b.atMs) return a.atMs > b.atMs ? a : b;
  return caution.indexOf(a.outcome) >= caution.indexOf(b.outcome) ? a : b;
}
