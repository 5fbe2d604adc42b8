import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { GuardrailHit, RevisionConflict } from "../../../shared/domain/errors.ts";
import { type ReleaseAct, releaseEdit } from "../../../shared/domain/routing/release-edit.ts";
import type { EmbeddedState } from "../../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../../shared/flows/change/change-routes.ts";
import { type CollectRequest, collectVersions, keptVersions } from "../../../shared/flows/versions/kept-versions.ts";
import { frozen } from "../../support/alias-moves.ts";
import { aClaimRequest } from "../../support/builders.ts";
import { aRelease } from "../../support/releases.ts";
import { fiveVersions, RC } from "../../support/replayed-cli.ts";
import { aRecord } from "../../support/stored-events.ts";

/** What keeps each version in the last hour. */
function listed(state: EmbeddedState, promoted: number) {
  const now = new Date();
  const window = { from: new Date(now.getTime() - 3_600_000), to: new Date(now.getTime() + 1) };
  return keptVersions(state, RC, { promoted, window }, now);
}

/** Versions 1 to 5, of which stable is at 1 and beta at 2, where 1 was before. */
async function someVersions() {
  const cli = await fiveVersions();
  const kept = (promoted = 5) =>
    cli.withState(async (state) =>
      (await listed(state, promoted)).map(({ version, keptBy }) => {
        return `${version}: ${keptBy.map((keeper) => Object.values(keeper).join(" ")).join(", ")}`;
      }),
    );
  return { ...cli, kept };
}

const meta = { who: "ada", why: "a test", command: "test" };

/** Deletes what is unneeded, as it was found before something else was done. */
function collected(state: EmbeddedState, versions: CollectRequest["versions"], about: Partial<CollectRequest> = {}) {
  const request = { component: RC, versions, ...meta, at: new Date(), force: false, ...about };
  return collectVersions({ ...state, newId: randomUUID }, request);
}

const numbers = async ({ catalog }: EmbeddedState) => (await catalog.versions(RC)).map(({ version }) => version);

it("keptVersions keeps the newest, what aliases point at, and what a rollback may go to", async () => {
  const { kept, promote } = await someVersions();
  expect(await kept()).toEqual(["1: alias stable, rollback beta", "2: alias beta", "3: ", "4: ", "5: newest"]);
  await promote("beta", "2", "3");
  await promote("beta", "3", "4");
  expect(await kept(1)).toEqual(["1: alias stable", "2: ", "3: rollback beta", "4: alias beta", "5: newest"]);
  expect(await kept(0)).toEqual(["1: alias stable", "2: ", "3: ", "4: alias beta", "5: newest"]);
});

it("keptVersions keeps what was there before the log began, also after a rollback to where it never was", async () => {
  const { kept, promote, withState } = await someVersions();
  await withState(async ({ routingTable, catalog }) => {
    await catalog.moveAlias(RC, "experimental", "3", null);
    const move = { component: RC, alias: "experimental", from: "4", to: "5", kind: "rollback" } as const;
    await promote("experimental", "3", "4");
    await catalog.moveAlias(RC, "experimental", "5", "4");
    const change = (stage: "intended" | "settled", intent?: number) =>
      routingTable.head().then((head) => {
        const logged = { ...move, stage, ...(intent && { intent }) };
        return routingTable.commit({ ...meta, changeId: stage, at: new Date(), rows: [], move: logged }, head);
      });
    const intended = await change("intended");
    await change("settled", intended.committed ? intended.revision : 0);
  });
  expect((await kept()).slice(2)).toEqual(["3: rollback experimental", "4: ", "5: alias experimental, newest"]);
});

it("keptVersions keeps what an open delivery has run on, and what a replay names", async () => {
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
  expect(await kept(0)).toEqual([
    "1: alias stable",
    "2: alias beta",
    "3: open deliveries 1",
    "4: replay undo-a",
    "5: newest",
  ]);
});

it("keptVersions keeps what a move is under way to or from", async () => {
  const { kept, withState } = await someVersions();
  await withState(async ({ routingTable }) => {
    const move = { component: RC, alias: "stable", from: "1", to: "4", kind: "set", stage: "intended" } as const;
    const change = { changeId: "x", at: new Date(), who: "ada", why: "x", command: "x", rows: [], move };
    await routingTable.commit(change, await routingTable.head());
  });
  expect(await kept(0)).toEqual([
    "1: alias stable, move stable",
    "2: alias beta",
    "3: ",
    "4: move stable",
    "5: newest",
  ]);
});

it("collectVersions deletes what nobody keeps but what an alias has been pointed at since, and logs it before", async () => {
  const { withState, promote } = await someVersions();
  const versions = await withState((state) => listed(state, 5));
  await promote("experimental", null, "4");
  await withState(async (state) => {
    const { revision, deleted } = await collected(state, versions);
    expect(deleted).toEqual(["3"]);
    expect(await numbers(state)).toEqual(["1", "2", "4", "5"]);
    const [entry] = await state.routingTable.changesAfter(revision - 1, 1);
    expect(entry).toMatchObject({ who: "ada", why: `a test (delete 2 versions of ${RC}, of 5: 3, 4)`, rows: [] });
  });
});

it("collectVersions refuses at another revision than the expected one, and in a freeze that has come since", async () => {
  const { withState } = await someVersions();
  await withState(async (state) => {
    const versions = await listed(state, 5);
    const head = await state.routingTable.head();
    await expect(collected(state, versions, { expectedRevision: head - 1 })).rejects.toThrow(RevisionConflict);
    await changeRoutes(state.routingTable, { ...meta, edit: frozen, changeId: randomUUID(), at: new Date() });
    await expect(collected(state, versions)).rejects.toThrow(GuardrailHit);
    expect(await numbers(state)).toHaveLength(5);
    expect((await collected(state, versions, { force: true })).deleted).toEqual(["3", "4"]);
  });
});

it("collectVersions logs it again where another change came first, and deletes nothing before", async () => {
  const { withState } = await someVersions();
  await withState(async (state) => {
    const versions = await listed(state, 5);
    const table = state.routingTable;
    const before = await table.head();
    let others = 2;
    const overtaken: typeof table = {
      ...table,
      async commit(change, expected) {
        expect(await numbers(state)).toHaveLength(5);
        const other = { ...meta, changeId: randomUUID(), at: new Date(), rows: [] };
        if (others-- > 0) await table.commit(other, expected);
        return table.commit(change, expected);
      },
    };
    const { revision, deleted } = await collected({ ...state, routingTable: overtaken }, versions);
    expect([revision, deleted]).toEqual([before + 3, ["3", "4"]]);
  });
});

it("keptVersions keeps what a release brings to everybody, and what it goes back to, until it has ended", async () => {
  const { kept, withState } = await someVersions();
  const release = aRelease({ id: "4-faster", version: "4", aliasBefore: "3", intoBefore: "1" });
  const by = { who: "ada", why: "a test", at: new Date().toISOString() };
  const change = (act: ReleaseAct) =>
    withState(({ routingTable: table }) => {
      const edit = releaseEdit(RC, release, act);
      return changeRoutes(table, { edit, changeId: randomUUID(), ...meta, at: new Date() });
    });
  await change({ do: "start", release });
  // Its alias, beta, hasn't been moved yet.
  const standing = ["1: alias stable, rollback beta, release 4-faster", "2: alias beta"];
  expect(await kept()).toEqual([...standing, "3: release 4-faster", "4: release 4-faster", "5: newest"]);
  await change({ do: "take back", id: "4-faster", how: "aborted", ...by });
  expect((await kept()).slice(2), "its alias is still to be put back").toEqual([
    ...["3: release 4-faster", "4: release 4-faster", "5: newest"],
  ]);
  await change({ do: "end", id: "4-faster" });
  expect((await kept()).slice(2)).toEqual(["3: ", "4: ", "5: newest"]);
});
