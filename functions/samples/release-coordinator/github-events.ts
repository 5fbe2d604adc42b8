import { millisecondsAt, shaAt, textAt, valueAt } from "./payload.ts";
import type { Fact, Outcome } from "./release-facts.ts";

/** What a webhook event says: whom it is about, which commit and branch it names, and what that adds to our facts. */
export type Reading = { project: string | null; commit: string | null; branch: string | null; facts: Fact[] };

type AboutCommit = { commit: string | undefined; branch: string | undefined; facts: (sha: string) => Fact[] };

/**
 * Reads one GitHub webhook event; a type or a shape it doesn't know yields no facts, never an error.
 * `envelopeAtMs` stands in where GitHub gives no time of its own.
 */
export function readGithubEvent(eventType: string, detail: unknown, envelopeAtMs: number): Reading {
  const project = textAt(detail, "repository", "full_name") ?? null;
  const about = aboutCommit(eventType, detail, envelopeAtMs);
  const commit = about?.commit ?? null;
  const facts = about !== undefined && commit !== null && project !== null ? about.facts(commit) : [];
  return { project, commit, branch: about?.branch ?? null, facts };
}

function aboutCommit(eventType: string, detail: unknown, envelopeAtMs: number): AboutCommit | undefined {
  switch (eventType) {
    case "push":
      return push(detail, envelopeAtMs);
    case "pull_request":
      return pullRequest(detail, envelopeAtMs);
    case "check_run":
      return checkRun(detail, envelopeAtMs);
    case "check_suite":
      return checkSuite(detail, envelopeAtMs);
    case "workflow_run":
      return workflowRun(detail, envelopeAtMs);
    case "status":
      return commitStatus(detail, envelopeAtMs);
    case "deployment":
    case "deployment_status":
      return deployment(detail, envelopeAtMs);
    default:
      return undefined;
  }
}

function push(detail: unknown, envelopeAtMs: number): AboutCommit {
  const branch = textAt(detail, "ref")?.match(/^refs\/heads\/(.+)$/)?.[1];
  const committedAtMs = millisecondsAt(detail, "head_commit", "timestamp");
  const atMs = millisecondsAt(detail, "repository", "pushed_at") ?? committedAtMs ?? envelopeAtMs;
  const rewritten = valueAt(detail, "forced") === true;
  return {
    commit: shaAt(detail, "after"),
    branch,
    facts: (sha) => headFacts(detail, branch, { sha, atMs, committedAtMs: committedAtMs ?? 0, rewritten }),
  };
}

/** A merge puts the merge commit on the base branch; everything else about a pull request is talk. */
function pullRequest(detail: unknown, envelopeAtMs: number): AboutCommit {
  const pull = valueAt(detail, "pull_request");
  const merged = valueAt(pull, "merged") === true;
  if (!merged) return { commit: shaAt(pull, "head", "sha"), branch: textAt(pull, "head", "ref"), facts: () => [] };
  const branch = textAt(pull, "base", "ref");
  const atMs = millisecondsAt(pull, "merged_at") ?? envelopeAtMs;
  return {
    commit: shaAt(pull, "merge_commit_sha"),
    branch,
    facts: (sha) => headFacts(detail, branch, { sha, atMs, committedAtMs: 0, rewritten: false }),
  };
}

function checkRun(detail: unknown, envelopeAtMs: number): AboutCommit {
  const run = valueAt(detail, "check_run");
  // Names repeat between suites (two workflows with a job `build`); a run that was run again keeps suite and name.
  const check = `run:${valueAt(run, "check_suite", "id")}/${textAt(run, "name") ?? "?"}`;
  const atMs = millisecondsAt(run, "completed_at") ?? millisecondsAt(run, "started_at") ?? envelopeAtMs;
  return {
    commit: shaAt(run, "head_sha"),
    branch: textAt(run, "check_suite", "head_branch"),
    facts: (sha) => [{ kind: "check", sha, check, outcome: conclusion(run), atMs }],
  };
}

function checkSuite(detail: unknown, envelopeAtMs: number): AboutCommit {
  const suite = valueAt(detail, "check_suite");
  const branch = textAt(suite, "head_branch");
  const atMs = millisecondsAt(suite, "updated_at") ?? envelopeAtMs;
  const check = `suite:${valueAt(suite, "id")}`;
  return {
    commit: shaAt(suite, "head_sha"),
    branch,
    facts: (sha) => [
      { kind: "check", sha, check, outcome: conclusion(suite), atMs },
      ...headFactsAtCommitTime(detail, branch, sha, millisecondsAt(suite, "head_commit", "timestamp")),
    ],
  };
}

function workflowRun(detail: unknown, envelopeAtMs: number): AboutCommit {
  const run = valueAt(detail, "workflow_run");
  const branch = textAt(run, "head_branch");
  const atMs = millisecondsAt(run, "updated_at") ?? envelopeAtMs;
  const check = `workflow:${valueAt(run, "workflow_id")}`;
  // A fork's branch may be called `main` too.
  const ours = textAt(run, "head_repository", "full_name") === textAt(detail, "repository", "full_name");
  const committedAtMs = millisecondsAt(run, "head_commit", "timestamp");
  return {
    commit: shaAt(run, "head_sha"),
    branch,
    facts: (sha) => [
      { kind: "check", sha, check, outcome: conclusion(run), atMs },
      ...headFactsAtCommitTime(detail, ours ? branch : undefined, sha, committedAtMs),
    ],
  };
}

function commitStatus(detail: unknown, envelopeAtMs: number): AboutCommit {
  const outcome = statusOutcomes.get(textAt(detail, "state") ?? "");
  const atMs = millisecondsAt(detail, "updated_at") ?? envelopeAtMs;
  const check = `status:${textAt(detail, "context") ?? "?"}`;
  const branches = valueAt(detail, "branches");
  const names = Array.isArray(branches) ? branches.map((branch: unknown) => textAt(branch, "name")) : [];
  const branch = names.find((name) => name === defaultBranch(detail)) ?? names[0];
  const committedAtMs = millisecondsAt(detail, "commit", "commit", "committer", "date");
  return {
    commit: shaAt(detail, "sha"),
    branch,
    facts: (sha) => [
      ...(outcome === undefined ? [] : [{ kind: "check", sha, check, outcome, atMs } as const]),
      ...headFactsAtCommitTime(detail, branch, sha, committedAtMs),
    ],
  };
}

function deployment(detail: unknown, envelopeAtMs: number): AboutCommit {
  const deployed = valueAt(detail, "deployment");
  const status = valueAt(detail, "deployment_status");
  const createdAtMs = millisecondsAt(deployed, "created_at") ?? envelopeAtMs;
  const atMs = millisecondsAt(status, "updated_at") ?? createdAtMs;
  const environment = textAt(status, "environment") ?? textAt(deployed, "environment") ?? "?";
  const production = valueAt(deployed, "production_environment") ?? /^prod(uction)?$/i.test(environment);
  // `inactive` only says that a later deployment took the place; it doesn't unsay that this one succeeded.
  const outcome = status === undefined ? "running" : deploymentOutcomes.get(textAt(status, "state") ?? "");
  const branch = textAt(deployed, "ref");
  return {
    commit: shaAt(deployed, "sha"),
    branch,
    facts: (sha) => [
      ...(outcome === undefined
        ? []
        : [{ kind: "deployment", sha, environment, production: production === true, outcome, atMs } as const]),
      ...headFacts(detail, branch, { sha, atMs: createdAtMs, committedAtMs: 0, rewritten: false }),
    ],
  };
}

const defaultBranch = (detail: unknown) => textAt(detail, "repository", "default_branch");

function headFacts(detail: unknown, branch: string | undefined, head: Omit<Fact & { kind: "head" }, "kind">): Fact[] {
  return branch !== undefined && branch === defaultBranch(detail) ? [{ kind: "head", ...head }] : [];
}

/** A check may come long after its commit: only the commit's own time is sure not to make an old commit look new. */
function headFactsAtCommitTime(detail: unknown, branch: string | undefined, sha: string, atMs: number | undefined) {
  return atMs === undefined ? [] : headFacts(detail, branch, { sha, atMs, committedAtMs: atMs, rewritten: false });
}

/** A conclusion that GitHub adds after us counts as failed: better not released than released unchecked. */
function conclusion(check: unknown): Outcome {
  if (textAt(check, "status") !== "completed") return "running";
  return conclusions.get(textAt(check, "conclusion") ?? "") ?? "failed";
}

const conclusions = new Map<string, Outcome>([
  ["success", "passed"],
  ["neutral", "neutral"],
  ["skipped", "skipped"],
]);
const statusOutcomes = new Map<string, Outcome>([
  ["pending", "running"],
  ["success", "passed"],
  ["failure", "failed"],
  ["error", "failed"],
]);
const deploymentOutcomes = new Map<string, Outcome>([
  ["pending", "running"],
  ["queued", "running"],
  ["waiting", "running"],
  ["in_progress", "running"],
  ["success", "passed"],
  ["failure", "failed"],
  ["error", "failed"],
]);
