import { milliseconds, sha, text, valueAt } from "./payload.ts";
import type { Fact, Outcome } from "./release-facts.ts";

/** What a webhook event says: whom it is about, which commit and branch it names, and what that adds to our facts. */
export type Reading = { project: string | null; commit: string | null; branch: string | null; facts: Fact[] };

type AboutCommit = { commit: string | undefined; branch: string | undefined; facts: (sha: string) => Fact[] };

/**
 * Reads one GitHub webhook event; a type or a shape it doesn't know yields no facts, never an error.
 * `envelopeAtMs` stands in where GitHub gives no time of its own.
 */
export function readGithubEvent(eventType: string, detail: unknown, envelopeAtMs: number): Reading {
  const project = text(detail, "repository", "full_name") ?? null;
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
  const branch = text(detail, "ref")?.match(/^refs\/heads\/(.+)$/)?.[1];
  const committedAtMs = milliseconds(detail, "head_commit", "timestamp");
  const atMs = milliseconds(detail, "repository", "pushed_at") ?? committedAtMs ?? envelopeAtMs;
  const rewritten = valueAt(detail, "forced") === true;
  return {
    commit: sha(detail, "after"),
    branch,
    facts: (sha) => headFacts(detail, branch, { sha, atMs, committedAtMs: committedAtMs ?? 0, rewritten }),
  };
}

/** A merge puts the merge commit on the base branch; everything else about a pull request is talk. */
function pullRequest(detail: unknown, envelopeAtMs: number): AboutCommit {
  const merged = valueAt(detail, "pull_request", "merged") === true;
  const branch = text(detail, "pull_request", "base", "ref");
  const atMs = milliseconds(detail, "pull_request", "merged_at") ?? envelopeAtMs;
  return {
    commit: sha(detail, "pull_request", merged ? "merge_commit_sha" : "head", ...(merged ? [] : ["sha"])),
    branch: merged ? branch : text(detail, "pull_request", "head", "ref"),
    facts: (sha) => (merged ? headFacts(detail, branch, { sha, atMs, committedAtMs: 0, rewritten: false }) : []),
  };
}

function checkRun(detail: unknown, envelopeAtMs: number): AboutCommit {
  const run = valueAt(detail, "check_run");
  // Names repeat between suites (two workflows with a job `build`); a run that was run again keeps suite and name.
  const check = `run:${valueAt(run, "check_suite", "id")}/${text(run, "name") ?? "?"}`;
  const atMs = milliseconds(run, "completed_at") ?? milliseconds(run, "started_at") ?? envelopeAtMs;
  return {
    commit: sha(run, "head_sha"),
    branch: text(run, "check_suite", "head_branch"),
    facts: (sha) => [{ kind: "check", sha, check, outcome: conclusion(run), atMs }],
  };
}

function checkSuite(detail: unknown, envelopeAtMs: number): AboutCommit {
  const suite = valueAt(detail, "check_suite");
  const branch = text(suite, "head_branch");
  const atMs = milliseconds(suite, "updated_at") ?? envelopeAtMs;
  const check = `suite:${valueAt(suite, "id")}`;
  return {
    commit: sha(suite, "head_sha"),
    branch,
    facts: (sha) => [
      { kind: "check", sha, check, outcome: conclusion(suite), atMs },
      ...headFactsAtCommitTime(detail, branch, sha, milliseconds(suite, "head_commit", "timestamp")),
    ],
  };
}

function workflowRun(detail: unknown, envelopeAtMs: number): AboutCommit {
  const run = valueAt(detail, "workflow_run");
  const branch = text(run, "head_branch");
  const atMs = milliseconds(run, "updated_at") ?? envelopeAtMs;
  const check = `workflow:${valueAt(run, "workflow_id")}`;
  // A fork's branch may be called `main` too.
  const ours = text(run, "head_repository", "full_name") === text(detail, "repository", "full_name");
  const committedAtMs = milliseconds(run, "head_commit", "timestamp");
  return {
    commit: sha(run, "head_sha"),
    branch,
    facts: (sha) => [
      { kind: "check", sha, check, outcome: conclusion(run), atMs },
      ...headFactsAtCommitTime(detail, ours ? branch : undefined, sha, committedAtMs),
    ],
  };
}

function commitStatus(detail: unknown, envelopeAtMs: number): AboutCommit {
  const outcome = statusOutcomes.get(text(detail, "state") ?? "");
  const atMs = milliseconds(detail, "updated_at") ?? envelopeAtMs;
  const check = `status:${text(detail, "context") ?? "?"}`;
  const branches = valueAt(detail, "branches");
  const names = Array.isArray(branches) ? branches.map((branch: unknown) => text(branch, "name")) : [];
  const branch = names.find((name) => name === defaultBranch(detail)) ?? names[0];
  const committedAtMs = milliseconds(detail, "commit", "commit", "committer", "date");
  return {
    commit: sha(detail, "sha"),
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
  const createdAtMs = milliseconds(deployed, "created_at") ?? envelopeAtMs;
  const atMs = milliseconds(status, "updated_at") ?? createdAtMs;
  const environment = text(status, "environment") ?? text(deployed, "environment") ?? "?";
  const production = valueAt(deployed, "production_environment") ?? /^prod(uction)?$/i.test(environment);
  // `inactive` only says that a later deployment took the place; it doesn't unsay that this one succeeded.
  const outcome = status === undefined ? "running" : deploymentOutcomes.get(text(status, "state") ?? "");
  const branch = text(deployed, "ref");
  return {
    commit: sha(deployed, "sha"),
    branch,
    facts: (sha) => [
      ...(outcome === undefined
        ? []
        : [{ kind: "deployment", sha, environment, production: production === true, outcome, atMs } as const]),
      ...headFacts(detail, branch, { sha, atMs: createdAtMs, committedAtMs: 0, rewritten: false }),
    ],
  };
}

const defaultBranch = (detail: unknown) => text(detail, "repository", "default_branch");

function headFacts(detail: unknown, branch: string | undefined, head: Omit<Fact & { kind: "head" }, "kind">): Fact[] {
  return branch !== undefined && branch === defaultBranch(detail) ? [{ kind: "head", ...head }] : [];
}

/** A check may come long after its commit: only the commit's own time is sure not to make an old commit look new. */
function headFactsAtCommitTime(detail: unknown, branch: string | undefined, sha: string, atMs: number | undefined) {
  return atMs === undefined ? [] : headFacts(detail, branch, { sha, atMs, committedAtMs: atMs, rewritten: false });
}

/** A conclusion that GitHub adds after us counts as failed: better not released than released unchecked. */
function conclusion(check: unknown): Outcome {
  if (text(check, "status") !== "completed") return "running";
  return conclusions.get(text(check, "conclusion") ?? "") ?? "failed";
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
