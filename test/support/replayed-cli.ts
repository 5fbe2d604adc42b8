import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Replay } from "../../shared/domain/replays/replay.ts";
import type { EmbeddedState } from "../../shared/embedded-dependencies.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { runReplay } from "../../shared/flows/replay/run-replay.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import { moveAlias } from "../../shared/flows/versions/move-alias.ts";
import type { SendResult } from "../../shared/targets/target.ts";
import { aReplay } from "./any-replay.ts";
import { aComponent } from "./builders.ts";
import { runHere } from "./cli-in-process.ts";
import { aCli, aRoutedCli, jsonLines } from "./cli-process.ts";

export const RC = "release-coordinator";

/**
 * An event as it arrived so long ago; `fails`: its version gives it up at once, or the one that is named does; `large`:
 * its body is a file.
 */
export type Arrived = {
  id: string;
  key?: string;
  user?: string;
  customer?: string;
  project?: string;
  secondsAgo?: number;
  fails?: true | string;
  large?: true;
};

/** A folder for all tests of a `describe`, for a state that none of them changes. */
export function aHomeForAll(): string {
  const folder = mkdtempSync(join(tmpdir(), "turnout-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "state");
}

/** A state with the CLI on it, in this process, and replays that nobody drives. */
export function aStoredCli(cli = aCli()) {
  const here = (line: string, ...more: string[]) => runHere([...line.split(" "), ...more], cli.home);
  return {
    ...cli,
    /** A command as it is typed, in this process. Words with blanks come after it. */
    here,
    async hereJson(line: string, ...more: string[]): Promise<Record<string, unknown>[]> {
      const result = await here(line, ...more, "--json");
      if (result.code !== 0) throw new Error(`${line} ended with ${result.code}: ${result.stderr}`);
      return jsonLines(result.stdout);
    },
    /** Stores a replay that nobody has asked for here. */
    store: (about: Parameters<typeof aReplay>[0]) =>
      cli.withState(async ({ replays }) => {
        const replay = aReplay({ requestedAt: new Date(), ...about });
        await replays.create(replay);
        return replay;
      }),
    /** Changes a stored replay as its driver would. */
    change: (name: string, to: (replay: Replay) => Replay) =>
      cli.withState(async ({ replays }) => {
        const replay = await replays.get(name);
        if (replay !== undefined) await replays.update(to(replay));
      }),
  };
}

/**
 * A state in which events have been routed and replays can be driven, all in this process. Versions 1 to 3 of the
 * component exist; stable is at 1, beta at 2, and experimental nowhere, all of it in the change log.
 */
export async function aReplayedCli(home?: string) {
  const cli = aStoredCli(await aRoutedCli(home));
  const component = aComponent({
    pattern: { source: ["shop"] },
    aliases: ["stable", "beta", "experimental"],
    retry: { nonRetryableErrors: ["Broken"] },
  });
  await cli.edit([{ kind: "apply component", component }]);
  await cli.withState(async (state) => {
    for (const version of ["1", "2", "3"]) await publishVersion(state, version);
    await promote(state, "stable", null, "1");
    await promote(state, "beta", null, "1");
    await promote(state, "beta", "1", "2");
  });
  return {
    ...cli,
    route: (...events: readonly Arrived[]) => cli.withState((state) => route(state, events)),
    /** Runs a replay to its end as a server does, unless it is paused. */
    drive: (name: string) =>
      cli.withState((state) => runReplay({ ...portsOf(state), ...state, settleMs: 0 }, name, () => true)),
    promote: (alias: string, from: string | null, to: string) =>
      cli.withState((state) => promote(state, alias, from, to)),
  };
}

/** The same with versions 4 and 5, at which nothing points. */
export async function fiveVersions() {
  const cli = await aReplayedCli();
  await cli.withState(async (state) => {
    for (const version of ["4", "5"]) await publishVersion(state, version);
  });
  return cli;
}

async function publishVersion({ catalog, home }: EmbeddedState, version: string): Promise<void> {
  const source = join(home, `code-${version}`);
  mkdirSync(source);
  writeFileSync(join(source, "index.mjs"), `export const handler = async () => ${version};\n`);
  await catalog.publish({ component: RC, source, now: new Date() });
}

async function promote(state: EmbeddedState, alias: string, from: string | null, to: string): Promise<void> {
  const said = { who: "ada", why: "a test", command: "test", at: new Date() };
  const move = { component: RC, alias, from, to };
  const ports = { table: state.routingTable, events: state.events, catalog: state.catalog, newId: randomUUID };
  await moveAlias(ports, { move, kind: "promote", ...said });
}

async function route(state: EmbeddedState, events: readonly Arrived[]): Promise<void> {
  const now = Date.now();
  const messages = events.map(({ id, secondsAgo, ...about }, index) => ({
    messageId: randomUUID(),
    receiptHandle: "",
    body: bodyOf(id, about),
    sentAt: new Date(now - (secondsAgo ?? events.length - index) * 1_000),
    receiveCount: 1,
  }));
  await routeBatch(portsOf(state), messages);
}

function bodyOf(id: string, { key, user, customer, project, fails, large }: Omit<Arrived, "id">): string {
  const metadata = {
    ...(key && { idempotencyKey: key }),
    ...(user && { user }),
    ...(customer && { customer }),
    ...(project && { project }),
  };
  const filling = large === undefined ? {} : { filling: randomBytes(400_000).toString("base64") };
  const time = "2026-11-20T10:00:00Z";
  return JSON.stringify({
    id,
    source: "shop",
    "detail-type": "order placed",
    time,
    detail: { id, fails, ...filling, metadata },
  });
}

/** Versions that do nothing but say that they ran. */
function portsOf(state: EmbeddedState) {
  return withCounter({
    routing: routingCache(state.routingTable),
    events: state.events,
    target: async ({ alias, payload }: { alias: string; payload: string }): Promise<SendResult> => {
      const aliases = await state.catalog.aliases(RC);
      const executedVersion = aliases.find((target) => target.alias === alias)?.version ?? "1";
      const { fails } = JSON.parse(payload).detail;
      if (fails !== true && fails !== executedVersion) return { outcome: "done", executedVersion, durationMs: 1 };
      return { outcome: "failed", executedVersion, durationMs: 1, error: { type: "Broken", message: "it broke" } };
    },
    now: () => new Date(),
    random: () => 0.5,
    newId: randomUUID,
    delay: () => new Promise<void>((resolve) => setImmediate(resolve)),
    whileIdle: () => new Promise<void>((resolve) => setImmediate(resolve)),
    report: () => {},
    onError: () => {},
  });
}
