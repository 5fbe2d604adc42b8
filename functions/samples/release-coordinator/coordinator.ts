import { readGithubEvent } from "./github-events.ts";
import { applyEvent, openProjectState, type ProjectState } from "./project-state.ts";
import type { Rule } from "./release-rule.ts";

/** An EventBridge event; `turnout` is what the router adds to it. Without a router the event's id is the key. */
export type RoutedEvent = {
  id: string;
  "detail-type": string;
  time: string;
  detail: unknown;
  turnout?: { idempotencyKey?: string; generation?: string };
};

export type Release = {
  project: string | null;
  release: string | null;
  changed: boolean;
  why: string;
  explanation?: string;
};

export type Handler = (event: RoutedEvent, context: unknown) => Promise<Release>;

/** The handler of one version: reads the event, folds it into its project's state, and says what is to be released. */
export function coordinator(rule: Rule): Handler {
  return async (event, _context) => {
    const { idempotencyKey, generation } = deliveryOf(event);
    const now = new Date();
    const eventType = event["detail-type"];
    const { project, commit, facts } = readGithubEvent(eventType, event.detail, timeOf(event, now));
    const incoming = { idempotencyKey, generation, eventType, project, facts };
    const applied = applyEvent(projectState(), incoming, rule, now);
    const { release, changed, why, seen } = applied;
    const result: Release = { project, release, changed, why };
    if (rule.explain !== undefined && seen === 1) result.explanation = rule.explain(applied);
    const log = { component: "release-coordinator", component_version: rule.version, event_type: eventType };
    console.log(JSON.stringify({ ...log, idempotency_key: idempotencyKey, generation, seen, commit, ...result }));
    return result;
  };
}

function deliveryOf(event: RoutedEvent): { idempotencyKey: string; generation: string } {
  const idempotencyKey = event.turnout?.idempotencyKey ?? event.id;
  if (typeof idempotencyKey !== "string" || idempotencyKey === "")
    throw new Error("The event has neither turnout.idempotencyKey nor an id, so a repeat could not be told. Send one.");
  return { idempotencyKey, generation: event.turnout?.generation ?? "live" };
}

function timeOf(event: RoutedEvent, now: Date): number {
  const atMs = Date.parse(event.time);
  return Number.isNaN(atMs) ? now.getTime() : atMs;
}

/** One connection per worker thread, opened at its first event: the module may be loaded just to be looked at. */
let open: { path: string; state: ProjectState } | undefined;

function projectState(): ProjectState {
  const path = process.env.RELEASE_COORDINATOR_STATE;
  if (path === undefined || path === "")
    throw new Error(
      "RELEASE_COORDINATOR_STATE is not set. Set it to the path of the SQLite file that holds the state.",
    );
  if (open?.path !== path) {
    open?.state.database.close();
    open = { path, state: openProjectState(path) };
  }
  return open.state;
}
