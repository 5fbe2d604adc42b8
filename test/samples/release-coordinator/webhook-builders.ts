import type { RoutedEvent } from "../../../functions/samples/release-coordinator/coordinator.ts";
import { readGithubEvent } from "../../../functions/samples/release-coordinator/github-events.ts";
import {
  type Applied,
  applyEvent,
  openProjectState,
  type ProjectState,
} from "../../../functions/samples/release-coordinator/project-state.ts";
import type { Rule } from "../../../functions/samples/release-coordinator/release-rule.ts";

export type Webhook = { eventType: string; detail: object };

/** `shaOf("a")` is forty times a; tests name commits by one letter of a to f. */
export const shaOf = (letter: string): string => letter.repeat(40);

const repository = { full_name: "acme/site", default_branch: "main" };

/** Seconds after noon, as GitHub writes times. */
export const noonPlus = (seconds: number): string =>
  new Date(Date.UTC(2026, 10, 20, 12, 0, seconds)).toISOString().replace(".000", "");

export function aPush(sha: string, at: number, { ref = "refs/heads/main", forced = false } = {}): Webhook {
  const pushedAt = Date.parse(noonPlus(at)) / 1000;
  const detail = { ref, after: sha, forced, head_commit: { id: sha, timestamp: noonPlus(0) } };
  return { eventType: "push", detail: { ...detail, repository: { ...repository, pushed_at: pushedAt } } };
}

/** A check suite without a conclusion is still running. */
export function aCheckSuite(sha: string, at: number, conclusion: string | null, id = 1): Webhook {
  const status = conclusion === null ? "in_progress" : "completed";
  const suite = { id, head_sha: sha, head_branch: "main", status, conclusion, updated_at: noonPlus(at) };
  return { eventType: "check_suite", detail: { check_suite: suite, repository } };
}

export function aCheckRun(sha: string, at: number, conclusion: string | null, name = "lint"): Webhook {
  const status = conclusion === null ? "queued" : "completed";
  const times = { started_at: noonPlus(at), completed_at: conclusion === null ? null : noonPlus(at) };
  const run = { name, head_sha: sha, status, conclusion, ...times, check_suite: { id: 1, head_branch: "main" } };
  return { eventType: "check_run", detail: { check_run: run, repository } };
}

export function aDeploymentStatus(sha: string, at: number, state: string, environment = "staging"): Webhook {
  const deployment = { sha, ref: sha, environment, created_at: noonPlus(at) };
  const status = { state, environment, updated_at: noonPlus(at) };
  return { eventType: "deployment_status", detail: { deployment, deployment_status: status, repository } };
}

export const routed = (webhook: Webhook, key: string, generation = "live"): RoutedEvent => ({
  id: `event-${key}`,
  "detail-type": webhook.eventType,
  time: noonPlus(0),
  detail: webhook.detail,
  turnout: { idempotencyKey: key, generation },
});

let keys = 0;

/** Applies webhooks in the order given, each under a key of its own, and answers what the last one led to. */
export function applyAll(rule: Rule, webhooks: readonly Webhook[], state = stateInMemory()): Applied {
  let last: Applied | undefined;
  for (const { eventType, detail } of webhooks) {
    const { project, facts } = readGithubEvent(eventType, detail, 0);
    const event = { idempotencyKey: `key-${keys++}`, generation: "live", eventType, project, facts };
    last = applyEvent(state, event, rule, new Date(0));
  }
  if (last === undefined) throw new Error("applyAll was given no webhooks");
  return last;
}

export const stateInMemory = (): ProjectState => openProjectState(":memory:");
