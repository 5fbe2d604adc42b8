import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { MAX_ACTIVE_REPLAYS } from "../../../shared/domain/replays/replay.ts";
import type { EmbeddedState } from "../../../shared/embedded-dependencies.ts";
import {
  planRollback,
  planUndo,
  refuseBusy,
  type UndoPorts,
  undoRequest,
  undoVersion,
} from "../../../shared/flows/versions/undo-version.ts";
import { aReplay } from "../../support/any-replay.ts";
import { aReplayedCli, RC } from "../../support/replayed-cli.ts";

const now = () => new Date();
const by = { name: "u", who: "ada", why: "a test", command: "test", concurrency: 10 };

/** Beta at version 2, which has handled two events of globex, where 1 was before. */
async function aBadVersion() {
  const cli = await aReplayedCli();
  const pin = { alias: "beta", who: "ada", why: "x", at: now().toISOString() };
  await cli.edit([{ kind: "pin", level: "customer", id: "globex", component: RC, pin }]);
  await cli.route({ id: "a", customer: "globex" }, { id: "b", customer: "globex", fails: true }, { id: "c" });
  return cli;
}

const planned = (state: EmbeddedState) => {
  return planUndo(
    { ...state, now },
    { component: RC, alias: "beta", since: undefined, filter: {}, all: true },
    () => {},
  );
};

/** Plans and undoes, where the ports are others in between. */
async function undone(state: EmbeddedState, about: Partial<UndoPorts> = {}) {
  const ports = { ...state, callReplayer: async () => undefined, now, newId: randomUUID, ...about };
  return undoVersion(ports, await planned(state), by);
}

const versionOfBeta = async ({ catalog }: EmbeddedState) =>
  (await catalog.aliases(RC)).find(({ alias }) => alias === "beta")?.version;

it("planUndo goes back to what was there before, and replays what the version has handled, apart from what it left", async () => {
  const { withState } = await aBadVersion();
  await withState(async (state) => {
    const { move, request, plan, change, since } = await planned(state);
    expect(move).toEqual({ component: RC, alias: "beta", from: "2", to: "1" });
    expect(change).toMatchObject({ who: "ada", at: since });
    expect(request).toMatchObject({ filter: { executedVersion: "2", ranBehind: "beta" }, avoidVersion: "2" });
    expect([plan.counts.sent, plan.sentDone, plan.sentUnresolved]).toEqual([2, 1, 1]);
    expect(await versionOfBeta(state)).toBe("2");
  });
});

it("planRollback fails where there is nothing to go back from, or to, and says what can be done", async () => {
  const { withState } = await aBadVersion();
  await withState(async (state) => {
    const remedy = { operation: "set alias", component: RC };
    await expect(planRollback(state, RC, "experimental")).rejects.toMatchObject({ remedies: [remedy] });
    await expect(planRollback(state, RC, "stable")).rejects.toMatchObject({ remedies: [remedy] });
    await expect(planRollback(state, RC, "beta", "9")).rejects.toThrow("has no version 9");
  });
});

it("planUndo asks since when, where the log doesn't say how the version got there", async () => {
  const { withState } = await aBadVersion();
  await withState(async (state) => {
    const elsewhere = {
      ...state.catalog,
      aliases: async () => [{ alias: "beta", version: "3" }],
    };
    const plan = (since?: Date) => {
      const asked = { component: RC, alias: "beta", to: "1", since, filter: {}, all: true };
      return planUndo({ ...state, catalog: elsewhere, now }, asked, () => {});
    };
    await expect(plan()).rejects.toMatchObject({ kind: "usage", remedies: [{ operation: "name beginning" }] });
    const since = new Date(Date.now() - 60_000);
    expect(await plan(since)).toMatchObject({ since, move: { from: "3", to: "1" } });
  });
});

it("undoVersion does nothing where the routing isn't any more as whoever asks has seen it", async () => {
  const { withState } = await aBadVersion();
  await withState(async (state) => {
    const head = await state.routingTable.head();
    const ports = { ...state, callReplayer: async () => undefined, now, newId: randomUUID };
    const made = await undoVersion(ports, await planned(state), { ...by, expectedRevision: head - 1 });
    expect(made).toMatchObject({ outcome: "refused", error: { kind: "conflict" } });
    expect([await versionOfBeta(state), await state.routingTable.head()]).toEqual(["2", head]);
  });
});

it("undoVersion rolls back, and has the replay run that the log names", async () => {
  const { withState, drive } = await aBadVersion();
  await withState(async (state) => {
    const called: string[] = [];
    const callReplayer = async (name: string) => String(called.push(name));
    const made = await undone(state, { callReplayer });
    expect(made).toMatchObject({ outcome: "undone", replay: { name: "u", asked: "run" }, uncalled: "1" });
    expect([called, await versionOfBeta(state)]).toEqual([["u"], "1"]);
    const [entry] = await state.routingTable.changesAfter((await state.routingTable.head()) - 1, 1);
    expect(entry?.move).toMatchObject({ kind: "rollback", stage: "settled", replay: "u" });
  });
  await drive("u");
  await withState(async ({ replays }) => {
    expect(await replays.get("u")).toMatchObject({ progress: { counts: { sent: 2 } } });
  });
});

it("undoVersion cancels the replay of a rollback that was refused", async () => {
  const { withState } = await aBadVersion();
  await withState(async (state) => {
    const error = new TurnoutError("not allowed", "no");
    const catalog = { ...state.catalog, moveAlias: () => Promise.reject(error) };
    expect(await undone(state, { catalog })).toEqual({ outcome: "refused", error });
    expect(await state.replays.get("u")).toMatchObject({ asked: "cancel" });
  });
});

it("undoVersion lets the replay wait where it isn't known whether the rollback was made", async () => {
  const { withState } = await aBadVersion();
  await withState(async (state) => {
    const error = new Error("the answer was lost");
    const catalog = {
      ...state.catalog,
      async moveAlias(...args: Parameters<typeof state.catalog.moveAlias>) {
        await state.catalog.moveAlias(...args);
        throw error;
      },
    };
    expect(await undone(state, { catalog })).toEqual({ outcome: "unknown", error });
    expect(await state.replays.get("u")).toMatchObject({ asked: "pause" });
  });
});

it("an undo is refused before anything is moved while as many replays are under way as may be", async () => {
  const move = { component: RC, alias: "beta", from: "2", to: "1" };
  const refuse = (count: number) => {
    const active = Array.from({ length: count }, (_, n) => aReplay({ name: `r-${n}` }));
    return refuseBusy({ active: async () => active }, move);
  };
  await expect(refuse(MAX_ACTIVE_REPLAYS - 1)).resolves.toBeUndefined();
  await expect(refuse(MAX_ACTIVE_REPLAYS)).rejects.toMatchObject({
    message: expect.stringContaining("replays are under way (r-0, "),
    remedies: ["cancel one", { operation: "roll back alone", component: RC, alias: "beta", version: "1" }],
  });
});

it("undoVersion says that a rollback was made whose replay can't be run", async () => {
  const { withState } = await aBadVersion();
  await withState(async (state) => {
    const replays = { ...state.replays, update: async () => undefined };
    const made = await undone(state, { replays });
    expect(made).toMatchObject({ outcome: "rolled back", error: { message: expect.stringContaining("has changed") } });
    expect(await versionOfBeta(state)).toBe("1");
    expect(await state.replays.get("u")).toMatchObject({ asked: "pause" });
  });
});

it("undoRequest asks for what the version handled since then, from an hour before, and all of it only where that is asked", async () => {
  const { withState } = await aBadVersion();
  await withState(async ({ routingTable }) => {
    const at = new Date("2026-11-20T10:00:00.000Z");
    const since = new Date("2026-11-20T09:30:00.000Z");
    const doings = { component: RC, alias: "beta", from: "2", since, filter: { customer: "globex" } };
    const asked = async (all: boolean) => (await undoRequest(routingTable, { ...doings, all }, at)).request;
    expect(await asked(true)).toEqual({
      window: { from: new Date("2026-11-20T08:30:00.000Z"), to: new Date("2026-11-20T10:00:00.001Z") },
      filter: {
        customer: "globex",
        component: RC,
        executedVersion: "2",
        ranSince: since.toISOString(),
        ranBehind: "beta",
      },
      mode: "rerun",
      destination: { kind: "today" },
      avoidVersion: "2",
    });
    expect(await asked(false)).toMatchObject({ mode: "finish" });
  });
});

it("planUndo has nothing to go back to where the alias points at that version already", async () => {
  const { withState } = await aBadVersion();
  await withState(async (state) => {
    const asked = { component: RC, alias: "beta", to: "2", since: undefined, filter: {}, all: true };
    await expect(planUndo({ ...state, now }, asked, () => {})).rejects.toMatchObject({
      kind: "usage",
      message: `beta of ${RC} points at version 2 already.`,
      remedies: [{ operation: "name version" }],
    });
  });
});

it("planUndo plans with the alias at the version that it goes back to, and every other where it is", async () => {
  const { withState, edit, promote } = await aBadVersion();
  const versions = () =>
    withState(async (state) =>
      (await planned(state)).plan.counts.versions.map(({ alias, version, count }) => [alias, version, count]),
    );
  expect(await versions()).toEqual([["beta", "1", 2]]);
  await promote("experimental", null, "3");
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const pin = { alias: "experimental", who: "ada", why: "x", at: now().toISOString(), until };
  await edit([{ kind: "pin", level: "customer", id: "globex", component: RC, pin }]);
  expect(await versions()).toEqual([["experimental", "3", 2]]);
});

it("undoVersion replays what is handled up to five minutes after the rollback, and up to an hour while it isn't made", async () => {
  for (const [isMade, afterMs] of [
    [true, 300_000],
    [false, 3_600_000],
  ] as const) {
    const { withState } = await aBadVersion();
    await withState(async (state) => {
      const at = new Date();
      const moveAlias = isMade ? state.catalog.moveAlias : () => Promise.reject(new Error("no answer"));
      await undone(state, { now: () => at, catalog: { ...state.catalog, moveAlias } });
      expect((await state.replays.get("u"))?.window.to).toEqual(new Date(at.getTime() + afterMs));
    });
  }
});
