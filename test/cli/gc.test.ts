import { writeFileSync } from "node:fs";
import { componentNamed } from "../../shared/flows/versions/component-named.ts";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { keptVersions } from "../../scripts/commands/versions/kept-versions.ts";
import { embeddedInstallation } from "../../shared/installation/embedded-installation.ts";
import { aClaimRequest } from "../support/builders.ts";
import { runHere } from "../support/cli-in-process.ts";
import { jsonLines } from "../support/cli-process.ts";
import { aReplayedCli, RC } from "../support/replayed-cli.ts";
import { aRecord } from "../support/stored-events.ts";
import { temporaryFolder } from "../support/tmp.ts";

/** Versions 1 to 5, of which stable is at 1 and beta at 2, where 1 was before. */
async function someVersions() {
  const cli = await aReplayedCli();
  await cli.withState(async ({ catalog }) => {
    for (const code of ["four", "five"]) {
      const source = temporaryFolder();
      writeFileSync(join(source, "index.mjs"), `export const handler = () => "${code}";\n`);
      await catalog.publish({ component: RC, source, now: new Date() });
    }
  });
  const gc = (...args: string[]) => runHere(["gc", RC, "--reason", "a test", ...args], cli.home);
  /** What keeps each version. */
  const kept = async (promoted = 5) => {
    const state = embeddedInstallation(cli.home, { create: false });
    try {
      const now = new Date();
      const window = { from: new Date(now.getTime() - 3_600_000), to: new Date(now.getTime() + 1) };
      const versions = await keptVersions(
        state,
        await componentNamed(state.routingTable, RC),
        { promoted, window },
        now,
      );
      return versions.map(({ version, keptBy }) => `${version}: ${keptBy.join(", ")}`);
    } finally {
      state.close();
    }
  };
  return { ...cli, gc, kept };
}

describe("turnout gc", () => {
  it("keeps the newest, what aliases point at, and what a rollback may go to", async () => {
    const { kept, promote } = await someVersions();
    expect(await kept()).toEqual(["1: stable, rollback of beta", "2: beta", "3: ", "4: ", "5: newest"]);
    await promote("beta", "2", "3");
    await promote("beta", "3", "4");
    expect(await kept(1)).toEqual(["1: stable", "2: ", "3: rollback of beta", "4: beta", "5: newest"]);
    expect(await kept(0)).toEqual(["1: stable", "2: ", "3: ", "4: beta", "5: newest"]);
  });

  it("keeps what an open delivery has run on, and what a replay names", async () => {
    const { kept, withState, store } = await someVersions();
    await withState(async ({ events }) => {
      const t0 = new Date();
      const deliver = async (idempotencyKey: string, executedVersion: string, outcome: "done" | "failed") => {
        const request = aClaimRequest({ t0, idempotencyKey });
        const { deliveryKey, eventKey, payloadHash } = request;
        await events.record([aRecord({ t0, eventKey, payloadHash, components: [RC] })]);
        await events.claim([request], "router", t0);
        const closed = { deliveryKey, attempt: 1, at: t0, executedVersion, durationMs: 1 };
        const error = { type: "Down", message: "no" };
        const failed = { outcome: "failed" as const, error, nextAttemptAt: new Date(t0.getTime() + 60_000) };
        await events.close([{ ...closed, ...(outcome === "done" ? { outcome } : failed) }]);
      };
      await deliver("open", "3", "failed");
      await deliver("at rest", "1", "done");
    });
    await store({ name: "undo-a", filter: { component: RC, executedVersion: "4" } });
    await store({ name: "undo-b", filter: { component: "other", executedVersion: "1" } });
    expect(await kept(0)).toEqual(["1: stable", "2: beta", "3: 1 open delivery", "4: replay undo-a", "5: newest"]);
  });

  it("keeps what a move is under way to or from", async () => {
    const { kept, withState } = await someVersions();
    await withState(async ({ routingTable }) => {
      const move = { component: RC, alias: "stable", from: "1", to: "4", kind: "set", stage: "intended" } as const;
      const change = { changeId: "x", at: new Date(), who: "ada", why: "x", command: "x", rows: [], move };
      await routingTable.commit(change, await routingTable.head());
    });
    expect(await kept(0)).toEqual([
      "1: stable, a move of stable",
      "2: beta",
      "3: ",
      "4: a move of stable",
      "5: newest",
    ]);
  });

  it("deletes the others with their folders, says so in the change log, and then has nothing to do", async () => {
    const { gc, withState, home } = await someVersions();
    const done = await gc("--yes");
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/revision \d+: deleted 2 versions/) });
    await withState(async ({ catalog, routingTable }) => {
      expect((await catalog.versions(RC)).map(({ version }) => version)).toEqual(["1", "2", "5"]);
      expect(catalog.codeOf(RC, "3")).toBeUndefined();
      const [entry] = await routingTable.changesAfter((await routingTable.head()) - 1, 1);
      expect(entry).toMatchObject({ why: `a test (delete 2 versions of ${RC}, of 5: 3, 4)`, rows: [] });
    });
    const { readdirSync } = await import("node:fs");
    expect(readdirSync(join(home, "versions", RC)).toSorted()).toEqual(["1", "2", "5"]);
    expect(await gc("--yes")).toMatchObject({ code: 0, stderr: expect.stringContaining("nothing to delete") });
  });

  it("deletes nothing in a dry run, unconfirmed, in a freeze, or at another revision", async () => {
    const { gc, withState, home } = await someVersions();
    const dry = await gc("--dry-run", "--json");
    expect([dry.code, jsonLines(dry.stdout).map(({ deleted }) => deleted)]).toEqual([
      0,
      [false, false, false, false, false],
    ]);
    expect((await gc()).code).toBe(6);
    expect((await gc("--yes", "--expect-revision", "1")).code).toBe(5);
    await runHere(["freeze", "--reason", "x", "--yes"], home);
    expect((await gc("--yes")).code).toBe(4);
    expect(await withState(({ catalog }) => catalog.versions(RC))).toHaveLength(5);
  });
});
