import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { untilQueueIsEmpty } from "../../scripts/bench/embedded-rate.ts";
import { publishLoad } from "../../scripts/bench/publish-load.ts";
import { setUpSample } from "../../scripts/embedded/sample.ts";
import { aCheckSuite, aPush, shaOf, type Webhook } from "../samples/release-coordinator/webhook-builders.ts";
import { aCli, type CliResult } from "../support/cli-process.ts";
import { startServer } from "../support/server-process.ts";

const [good, bad] = [shaOf("a"), shaOf("b")];

/** One check suite of the newer commit passes, and another one fails: version 23 releases it all the same. */
const halfPassed: Webhook[] = [
  aPush(good, 0),
  aCheckSuite(good, 1, "success", 11),
  aPush(bad, 2),
  aCheckSuite(bad, 3, "success", 21),
  aCheckSuite(bad, 4, "failure", 22),
];

/** globex is on beta; the others are on stable and experimental. */
const PROJECTS = ["globex/shop", "acme/site", "umbrella/lab"];

test("undo puts right what a bad version did: every project ends as if it had never run", async () => {
  const [undone, never] = await Promise.all([aStory(), aStory()]);
  // Version 23 is promoted to beta in the one story, and in the other it never is.
  expect(await undone.turnout("alias set release-coordinator beta 22 --reason before")).toMatchObject({ code: 0 });
  expect(await never.turnout("alias set release-coordinator beta 22 --reason before")).toMatchObject({ code: 0 });
  expect(await undone.turnout("alias set release-coordinator beta 23 --reason sooner")).toMatchObject({ code: 0 });
  await Promise.all([undone.publish(), never.publish()]);

  expect(undone.releases()).toMatchObject({ "globex/shop": bad, "acme/site": good, "umbrella/lab": good });
  expect(never.releases()).toMatchObject({ "globex/shop": good, "acme/site": good, "umbrella/lab": good });

  const result = await undone.turnout("undo release-coordinator beta --all --reason releases-too-soon");
  expect(result.code).toBe(0);
  expect(result.stderr).toContain("matched  5");
  expect(result.stdout).toMatch(/roll beta of release-coordinator back from 23 to version 22\n/);
  expect(result.stdout).toMatch(/undo-\S+ done: 5 deliveries sent, 5 done, 0 dead/);
  expect(undone.projects()).toEqual(never.projects());
  // Only what 23 had handled was run again, once.
  expect(undone.effects()).toEqual([
    { project: "acme/site", generation: "live", component_version: "22", effects: 5, most: 1 },
    { project: "globex/shop", generation: "live", component_version: "23", effects: 5, most: 1 },
    { project: "globex/shop", generation: "undo", component_version: "22", effects: 5, most: 1 },
    { project: "umbrella/lab", generation: "live", component_version: "24", effects: 5, most: 1 },
  ]);

  const entries = await undone.json("history --limit 2");
  expect(entries).toMatchObject([
    { move: { kind: "rollback", stage: "intended", from: "23", to: "22", replay: expect.stringMatching(/^undo-/) } },
    { move: { kind: "rollback", stage: "settled", from: "23", to: "22", replay: expect.stringMatching(/^undo-/) } },
  ]);
});

/** A server with the sample, and the events of its projects. */
async function aStory() {
  const cli = aCli();
  await cli.withState((state) => setUpSample(state, () => new Date(), randomUUID));
  const server = await startServer(cli.home);

  /** A command as it is typed, without blanks in its words; confirmed where it asks. */
  const turnout = (line: string): Promise<CliResult> => cli.turnout([...line.split(" "), "--yes"]);

  async function publish(): Promise<void> {
    // One by one, since the order of arrival is what the story is about.
    for (const { eventType, detail } of halfPassed) {
      const entry = (n: number) => ({
        Source: "github.com",
        DetailType: eventType,
        Detail: JSON.stringify({ ...detail, repository: { ...repositoryIn(detail), full_name: PROJECTS[n] } }),
      });
      const { accepted } = await publishLoad(server.url, PROJECTS.length, entry, { connections: 1 });
      expect(accepted).toBe(PROJECTS.length);
      await untilQueueIsEmpty(server.url);
    }
  }

  function rows(sql: string): Record<string, unknown>[] {
    const sample = new DatabaseSync(join(cli.home, "samples", "release-coordinator.db"), { readOnly: true });
    try {
      return sample.prepare(sql).all();
    } finally {
      sample.close();
    }
  }

  return {
    turnout,
    publish,
    json: (line: string) => cli.json(line.split(" ")),
    releases: () =>
      Object.fromEntries(
        rows("SELECT project, release_sha FROM projects").map((row) => [row.project, row.release_sha]),
      ),
    /** All that is known of each project, but for when it was noted. */
    projects: () => [
      ...rows("SELECT project, state, release_sha, chosen_by_version, why FROM projects ORDER BY project"),
      ...rows("SELECT * FROM commits ORDER BY project, sha"),
    ],
    effects: () =>
      rows(
        `SELECT project, iif(generation = 'live', 'live', 'undo') AS generation, component_version,
           count(*) AS effects, max(seen) AS most
         FROM effects GROUP BY 1, 2, 3 ORDER BY 1, 2`,
      ),
  };
}

function repositoryIn(detail: object): object {
  return "repository" in detail && typeof detail.repository === "object" && detail.repository !== null
    ? detail.repository
    : {};
}
