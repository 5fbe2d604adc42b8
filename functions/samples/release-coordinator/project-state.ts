import { DatabaseSync, type StatementSync } from "node:sqlite";
import {
  type Commit,
  type Fact,
  foldCommit,
  foldProject,
  newCommit,
  newProject,
  type ProjectFacts,
  type Standing,
} from "./release-facts.ts";
import { type Choice, chooseRelease, type Rule } from "./release-rule.ts";

/** Of the commits on the default branch, and of all others, this many of the newest are kept per project. */
export const keptCommits = 200;

export type ProjectState = { database: DatabaseSync; statements: Statements };

export type IncomingEvent = {
  idempotencyKey: string;
  generation: string;
  eventType: string;
  project: string | null;
  facts: readonly Fact[];
};

/** `seen` counts the deliveries of the event in this generation; from the second on, nothing is changed. */
export type Applied = Choice & { seen: number; changed: boolean };

/** Opens, and if need be creates, the state file; any number of threads and processes may have it open. */
export function openProjectState(path: string): ProjectState {
  const database = new DatabaseSync(path, { timeout: 5000 });
  // The busy timeout comes first, so that the switch to WAL waits as well when several workers start at once.
  database.exec("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(schema);
  return { database, statements: prepareStatements(database) };
}

/** Gives an event its whole effect in one transaction; a second delivery of it only counts itself. */
export function applyEvent(state: ProjectState, event: IncomingEvent, rule: Rule, now: Date): Applied {
  state.database.exec("BEGIN IMMEDIATE");
  try {
    const applied = applyInTransaction(state.statements, event, rule, now.toISOString());
    state.database.exec("COMMIT");
    return applied;
  } catch (error) {
    if (state.database.isTransaction) state.database.exec("ROLLBACK");
    throw error;
  }
}

function applyInTransaction(sql: Statements, event: IncomingEvent, rule: Rule, now: string): Applied {
  const { idempotencyKey, generation, eventType, project } = event;
  const effect = sql.countEffect.get(idempotencyKey, generation, rule.version, project, eventType, now) as EffectRow;
  const before = project === null ? undefined : (sql.project.get(project) as ProjectRow | undefined);
  const unchanged = { release: before?.release_sha ?? null, passedOver: [], seen: effect.seen, changed: false };
  if (effect.seen > 1) return { ...unchanged, why: `already handled by version ${effect.component_version}` };
  if (project === null) return { ...unchanged, why: "the event names no repository" };

  const known = before === undefined ? newProject : (JSON.parse(before.state) as ProjectFacts);
  const facts = event.facts.reduce(foldProject, known);
  let grew = false;
  for (const fact of event.facts) grew = saveFact(sql, project, fact) || grew;
  const choice = chooseRelease(rule, newestFirst(sql, project, facts), facts);
  sql.saveProject.run(project, JSON.stringify(facts), choice.release, rule.version, choice.why, now);
  if (grew) sql.forgetOldCommits.run({ project, kept: keptCommits, now: choice.release, before: unchanged.release });
  return { ...choice, seen: 1, changed: choice.release !== unchanged.release };
}

/** True if the fact brought a commit that wasn't known, or wasn't known to be on the default branch. */
function saveFact(sql: Statements, project: string, fact: Fact): boolean {
  const row = sql.commit.get(project, fact.sha) as CommitRow | undefined;
  const commit = foldCommit(row === undefined ? newCommit(fact.sha) : commitOf(row), fact);
  sql.saveCommit.run(
    project,
    commit.sha,
    commit.headAtMs,
    commit.committedAtMs,
    commit.lastAtMs,
    JSON.stringify([...commit.checks]),
    JSON.stringify([...commit.deployments]),
  );
  return row === undefined || (row.head_at_ms === null && commit.headAtMs !== null);
}

function* newestFirst(sql: Statements, project: string, facts: ProjectFacts): Generator<Commit> {
  for (const row of sql.newestFirst.iterate(project, facts.historyStartsAtMs)) yield commitOf(row as CommitRow);
}

const commitOf = (row: CommitRow): Commit => ({
  sha: row.sha,
  headAtMs: row.head_at_ms,
  committedAtMs: row.committed_at_ms,
  lastAtMs: row.last_at_ms,
  checks: new Map(JSON.parse(row.checks) as [string, Standing][]),
  deployments: new Map(JSON.parse(row.deployments) as [string, Standing][]),
});

type EffectRow = { seen: number; component_version: string };
type ProjectRow = { state: string; release_sha: string | null };
type CommitRow = {
  sha: string;
  head_at_ms: number | null;
  committed_at_ms: number;
  last_at_ms: number;
  checks: string;
  deployments: string;
};
type Statements = Record<
  "countEffect" | "project" | "saveProject" | "commit" | "saveCommit" | "newestFirst" | "forgetOldCommits",
  StatementSync
>;

const prepareStatements = (database: DatabaseSync): Statements => ({
  countEffect: database.prepare(
    `INSERT INTO effects (idempotency_key, generation, component_version, project, event_type, at)
     VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET seen = seen + 1
     RETURNING seen, component_version`,
  ),
  project: database.prepare("SELECT state, release_sha FROM projects WHERE project = ?"),
  saveProject: database.prepare("INSERT OR REPLACE INTO projects VALUES (?, ?, ?, ?, ?, ?)"),
  commit: database.prepare("SELECT * FROM commits WHERE project = ? AND sha = ?"),
  saveCommit: database.prepare("INSERT OR REPLACE INTO commits VALUES (?, ?, ?, ?, ?, ?, ?)"),
  newestFirst: database.prepare(
    `SELECT * FROM commits WHERE project = ? AND head_at_ms >= ?
     ORDER BY head_at_ms DESC, committed_at_ms DESC, sha DESC`,
  ),
  // The chosen commit stays however old it is, and so does the one before: it is chosen again when a push that had no
  // checks yet turns out to fail them.
  forgetOldCommits: database.prepare(
    `WITH placed AS (
       SELECT sha, row_number() OVER (
         PARTITION BY head_at_ms IS NULL ORDER BY coalesce(head_at_ms, last_at_ms) DESC, sha DESC
       ) AS place FROM commits WHERE project = :project)
     DELETE FROM commits WHERE project = :project
       AND sha IN (SELECT sha FROM placed WHERE place > :kept)
       AND sha IS NOT :now AND sha IS NOT :before`,
  ),
});

const schema = `
  CREATE TABLE IF NOT EXISTS effects (
    idempotency_key TEXT NOT NULL, generation TEXT NOT NULL, component_version TEXT NOT NULL,
    project TEXT, event_type TEXT NOT NULL, at TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (idempotency_key, generation)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS projects (
    project TEXT PRIMARY KEY, state TEXT NOT NULL, release_sha TEXT, chosen_by_version TEXT NOT NULL,
    why TEXT NOT NULL, updated_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS commits (
    project TEXT NOT NULL, sha TEXT NOT NULL, head_at_ms INTEGER, committed_at_ms INTEGER NOT NULL,
    last_at_ms INTEGER NOT NULL, checks TEXT NOT NULL, deployments TEXT NOT NULL,
    PRIMARY KEY (project, sha)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS commits_newest
    ON commits (project, head_at_ms DESC, committed_at_ms DESC, sha DESC);
`;
