import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "aws-lambda";
import { describe, expect, onTestFinished, test } from "vitest";
import { replayerHandler } from "../../functions/replayer.ts";
import { routerHandler } from "../../functions/router.ts";
import { drainQueue } from "../../scripts/embedded/queue-poller.ts";
import { LAYOUT } from "../../shared/domain/layout.ts";
import { isEnded } from "../../shared/domain/replays/replay.ts";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { layoutSteps } from "../../shared/sqlite/layout-steps.ts";
import type { Send } from "../../shared/targets/target.ts";
import { temporaryFolder } from "../support/tmp.ts";
import { allOf, readRecorded, recordedLayouts, unpack } from "./recorded-state.ts";

function opened(home: string): EmbeddedState {
  const state = openEmbeddedState(home, { create: false, upgrade: true });
  onTestFinished(() => void (state.database.connection.isOpen && state.close()));
  return state;
}

function aRecordedState(layout: number) {
  const recorded = readRecorded(layout);
  const home = temporaryFolder();
  unpack(recorded, home);
  return { ...recorded, home, file: join(home, "state.db"), now: new Date(recorded.at) };
}

/** Handlers on a state whose clock goes on by what they wait. */
function handlersOn(state: EmbeddedState, start: Date) {
  let at = start.getTime();
  let ids = 0;
  const now = () => new Date(at);
  const sends: Send[] = [];
  const troubles: unknown[] = [];
  const ports = withCounter({
    routing: routingCache(state.routingTable),
    events: state.events,
    queue: state.queue,
    replays: state.replays,
    catalog: state.catalog,
    target: async (send: Send) => {
      sends.push(send);
      return { outcome: "done", executedVersion: "7", durationMs: 5 } as const;
    },
    now,
    random: () => 0.5,
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, "0")}`,
    delay: async (ms: number) => {
      at += ms;
    },
    report: () => {},
    onError: (error: unknown) => void troubles.push(error),
    settleMs: 2_000,
  });
  const context = { getRemainingTimeInMillis: () => 900_000 } as Context;
  return {
    now,
    sends,
    troubles,
    route: () =>
      drainQueue({
        name: "router",
        queue: state.queue,
        handler: routerHandler(ports),
        now,
        onError: (e) => troubles.push(e),
      }),
    async replay() {
      while ((await state.replays.active()).length > 0) {
        const { waitSeconds } = await replayerHandler({ ...ports, notify: async () => {} })({}, context);
        at += Math.max(1, waitSeconds * 1_000);
      }
    },
  };
}

test("Every layout but the present one has a step that leads on from it, and a recorded state", () => {
  const older = Object.keys(layoutSteps).map(Number);
  expect(older.at(-1)).toBe(LAYOUT - 1);
  expect(older).toEqual(older.map((_, index) => LAYOUT - older.length + index));
  expect(recordedLayouts()).toEqual(older);
});

describe.each(recordedLayouts())("A state of layout %i", (layout) => {
  test("is left as it is by whoever doesn't have it alone", () => {
    const { home, file } = aRecordedState(layout);
    const before = readFileSync(file);
    expect(() => openEmbeddedState(home, { create: true })).toThrow(
      new RegExp(`has layout ${layout}; this Turnout writes ${LAYOUT}. Stop the older server, .* 'npm start'`),
    );
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("has everything that was in it: events and bodies, ledger, routing, replays, versions, counts, queues", async () => {
    const { home, read, now } = aRecordedState(layout);
    expect(await allOf(opened(home), now)).toMatchObject(read);
  });

  test("can be opened by anybody once it is up to date, and has the tables of a new one", async () => {
    const { home, read, now } = aRecordedState(layout);
    const upgraded = tablesOf(opened(home));
    const state = openEmbeddedState(home, { create: false });
    onTestFinished(() => state.close());
    expect(await allOf(state, now)).toMatchObject(read);
    expect(upgraded).toEqual(tablesOf(openNew()));
  });

  test("goes on: what waits is routed, and nothing that is done is run again", async () => {
    const { home, now } = aRecordedState(layout);
    const state = opened(home);
    await Promise.all([state.queue.becomeOnlyConsumer(), state.events.endLeases(now)]);
    const { route, sends, troubles } = handlersOn(state, now);
    await route();
    expect(troubles).toEqual([]);
    const sent = sends.map(({ component, payload }) => `${component} ${JSON.parse(payload).detail.order}`).sort();
    expect(sent).toEqual([7, 8, 9].flatMap((n) => [`shop-auditor ${n}`, `shop-mailer ${n}`]).sort());
  });

  test("goes on with the replay that was interrupted, and makes each delivery of it once", async () => {
    const { home, now } = aRecordedState(layout);
    const state = opened(home);
    await state.events.endLeases(now);
    await state.replays.releaseDrivers();
    const [before] = await state.replays.list(1);
    const { replay, sends, troubles } = handlersOn(state, new Date(now.getTime() + 60_000));
    await replay();
    expect(troubles).toEqual([]);
    const after = await state.replays.get("interrupted");
    expect(after && isEnded(after)).toBe(true);
    expect(before?.name).toBe("interrupted");
    expect(after?.progress.counts).toMatchObject({ sent: 12, done: 12, dead: 0 });
    expect(sends.length).toBeLessThan(12);
    expect(new Set(sends.map(({ payload }) => JSON.parse(payload).turnout.idempotencyKey)).size).toBe(sends.length);
  });
});

/** Columns by their names: added ones stand behind. */
function tablesOf({ database: { connection } }: EmbeddedState): unknown {
  const tables = connection.prepare("SELECT name, type, tbl_name FROM sqlite_schema ORDER BY name").all();
  const columns = connection.prepare('SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY name');
  return tables.map(({ name, type, tbl_name: of }) => ({
    name,
    type,
    of,
    columns: columns.all(String(name)).map((row) => ({ ...row })),
  }));
}

function openNew(): EmbeddedState {
  const state = openEmbeddedState(temporaryFolder(), { create: true });
  onTestFinished(() => state.close());
  return state;
}

test("A state file of a layout that no step leads on from is refused with what to do", () => {
  const { home } = aRecordedState(recordedLayouts()[0] ?? 0);
  const state = opened(home);
  state.database.connection.exec("PRAGMA user_version = 1");
  state.close();
  copyFileSync(join(home, "state.db"), join(home, "before.db"));
  expect(() => openEmbeddedState(home, { create: true, upgrade: true })).toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/has layout 1, which was never released; this Turnout knows 2 to \d+\.$/),
      remedies: [{ operation: "carry routing over" }],
    }),
  );
  expect(readFileSync(join(home, "state.db")).equals(readFileSync(join(home, "before.db")))).toBe(true);
});
