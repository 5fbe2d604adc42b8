import { describe, expect, test } from "vitest";
import { sampleEvents } from "../../../functions/samples/github-webhooks.ts";
import { readGithubEvent } from "../../../functions/samples/release-coordinator/github-events.ts";
import { aCheckRun, aCheckSuite, aDeploymentStatus, aPush, noonPlus, shaOf } from "./webhook-builders.ts";

const a = shaOf("a");
const atMs = (seconds: number) => Date.parse(noonPlus(seconds));
const read = ({ eventType, detail }: { eventType: string; detail: unknown }) => readGithubEvent(eventType, detail, 0);

describe("reading every payload that GitHub publishes", () => {
  const events = sampleEvents();

  test("names the project of every event that has a repository", () => {
    for (const { detailType, detail } of events) {
      const { project } = readGithubEvent(detailType, detail, 0);
      expect(project).toBe((detail as { repository?: { full_name: string } }).repository?.full_name ?? null);
    }
  });

  test.each(["check_run", "check_suite", "workflow_run", "status", "deployment", "deployment_status", "pull_request"])(
    "finds the commit of every %s",
    (eventType) => {
      const readings = events
        .filter(({ detailType }) => detailType === eventType)
        .map(({ detail }) => readGithubEvent(eventType, detail, 0));
      expect(readings.length).toBeGreaterThan(0);
      for (const { commit } of readings) expect(commit).toMatch(/^[0-9a-f]{40}$/);
    },
  );

  test("finds the commit of every push that leaves one", () => {
    for (const { detailType, detail } of events) {
      if (detailType !== "push") continue;
      const { after, deleted } = detail as { after: string; deleted: boolean };
      expect(readGithubEvent("push", detail, 0).commit).toBe(deleted ? null : after);
    }
  });

  test("finds a fact in every check, workflow run and status", () => {
    for (const { detailType, detail } of events) {
      if (!["check_run", "check_suite", "workflow_run", "status"].includes(detailType)) continue;
      expect(readGithubEvent(detailType, detail, 0).facts).toContainEqual(expect.objectContaining({ kind: "check" }));
    }
  });

  test("never throws for one type's payload under another type's name", () => {
    const types = [...new Set(events.map(({ detailType }) => detailType))];
    const oneOfEach = types.map((type) => events.find(({ detailType }) => detailType === type)?.detail);
    for (const type of types)
      for (const detail of oneOfEach) expect(() => readGithubEvent(type, detail, 0)).not.toThrow();
  });
});

test.each([undefined, null, 7, "text", [], {}, { repository: null }, { check_run: [] }, { branches: [null, 3] }])(
  "yields no facts for the detail %j",
  (detail) => {
    for (const type of ["push", "check_run", "check_suite", "workflow_run", "status", "deployment", "constructor"])
      expect(readGithubEvent(type, detail, 0)).toMatchObject({ project: null, facts: [] });
  },
);

test("the coordinator takes a push to the default branch as its new head, at GitHub's time of the push", () => {
  expect(read(aPush(a, 30)).facts).toEqual([
    { kind: "head", sha: a, atMs: atMs(30), committedAtMs: atMs(0), rewritten: false },
  ]);
});

test("the coordinator takes nothing from a push to another branch or a tag", () => {
  expect(read(aPush(a, 1, { ref: "refs/heads/feature/main" })).facts).toEqual([]);
  expect(read(aPush(a, 1, { ref: "refs/tags/main" })).facts).toEqual([]);
});

test("the coordinator tells runs of the same name in two check suites apart", () => {
  const run = aCheckRun(a, 1, "success").detail as { check_run: object };
  const other = { ...run, check_run: { ...run.check_run, check_suite: { id: 2 } } };
  expect(read({ eventType: "check_run", detail: run }).facts).toMatchObject([{ check: "run:1/lint" }]);
  expect(read({ eventType: "check_run", detail: other }).facts).toMatchObject([{ check: "run:2/lint" }]);
});

test.each([
  ["success", "passed"],
  ["skipped", "skipped"],
  ["neutral", "neutral"],
  ["timed_out", "failed"],
  ["a conclusion GitHub adds later", "failed"],
  [null, "running"],
])("reads a check suite's conclusion %j as %s", (conclusion, outcome) => {
  expect(read(aCheckSuite(a, 5, conclusion)).facts).toEqual([
    { kind: "check", sha: a, check: "suite:1", outcome, atMs: atMs(5) },
  ]);
});

test("the coordinator takes a merged pull request's merge commit as head of its base branch", () => {
  const pull = { merged: true, merged_at: noonPlus(9), merge_commit_sha: a, base: { ref: "main" } };
  const detail = { pull_request: pull, repository: { full_name: "acme/site", default_branch: "main" } };
  expect(read({ eventType: "pull_request", detail }).facts).toMatchObject([{ kind: "head", sha: a, atMs: atMs(9) }]);
});

test("the coordinator does not take a workflow run on a fork's main branch for one on ours", () => {
  const run = { head_sha: a, head_branch: "main", status: "queued", head_commit: { timestamp: noonPlus(1) } };
  const reading = (owner: string) =>
    read({
      eventType: "workflow_run",
      detail: {
        workflow_run: { ...run, head_repository: { full_name: `${owner}/site` } },
        repository: { full_name: "acme/site", default_branch: "main" },
      },
    }).facts.map(({ kind }) => kind);
  expect(reading("acme")).toEqual(["check", "head"]);
  expect(reading("someone")).toEqual(["check"]);
});

test("the coordinator knows production by GitHub's flag, else by the environment's name", () => {
  expect(read(aDeploymentStatus(a, 1, "success", "production")).facts).toMatchObject([{ production: true }]);
  expect(read(aDeploymentStatus(a, 1, "success", "staging")).facts).toMatchObject([{ production: false }]);
});

test("the coordinator takes nothing from a deployment that became inactive", () => {
  expect(read(aDeploymentStatus(a, 1, "inactive")).facts).toEqual([]);
});
