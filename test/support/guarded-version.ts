import type { Component } from "../../shared/domain/routing/component.ts";
import type { GuardMode } from "../../shared/domain/routing/guard-rule.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { runReplay } from "../../shared/flows/replay/run-replay.ts";
import { moveAlias } from "../../shared/flows/versions/move-alias.ts";
import type { GuardPorts } from "../../shared/flows/watch/guard-ports.ts";
import { runGuards } from "../../shared/flows/watch/run-guards.ts";
import type { Send } from "../../shared/targets/target.ts";
import { sqliteWatchStore } from "../../shared/watch-store/sqlite-watch-store.ts";
import { aComponent, aPin, aSubjectRow } from "./builders.ts";
import { memoryCatalog } from "./memory-catalog.ts";
import { memoryReplayStore } from "./memory-replay-store.ts";
import { surrounded } from "./port-calls.ts";
import { withTime } from "./replayer.ts";
import { aMessage, aRouter } from "./router.ts";

export const RC = "release-coordinator";

export type GuardedOptions = {
  mode?: GuardMode;
  /** Which sends fail. Default: all of version 24. */
  fails?: (send: Send, version: string) => boolean;
  about?: Partial<Pick<Component, "allStable" | "badVersions" | "defaultAlias" | "invocation">>;
  /** Which sends are taken to be worked on later, of which nobody hears again. */
  loses?: (send: Send, version: string) => boolean;
  /** Whether there is a guard. Default true. */
  guarded?: boolean;
};

/** Customers that are pinned to beta, and others. */
const PINNED = ["acme", "globex", "initech", "umbrella"];
const OTHERS = Array.from({ length: 20 }, (_, n) => `other-${n}`);

/**
 * A component whose stable is at version 22, and whose beta was at 23, with four customers pinned to it. Deliveries are
 * tried once. Time, chance and ids are in the test's hand.
 */
export async function aGuardedVersion(options: GuardedOptions = {}) {
  const { mode = "undo", fails, loses, about = {}, guarded = true } = options;
  const isBad = fails ?? ((_: Send, version: string) => version === "24");
  const at = "2026-11-20T10:00:00.000Z";
  const guards = { beta: { mode, who: "ada", why: "24 is new", at } };
  const component = aComponent({ ...about, ...(guarded && { guards }), retry: { maxAttempts: 1 } });
  const { catalog, versionOf, set } = memoryCatalog({ stable: "22", beta: "23" }, ["22", "23", "24", "25"]);
  const versions = ["22", "23", "24", "25"].map((version) => {
    return { version, codeSha256: "", publishedAt: new Date(at), description: "" };
  });
  const error = { type: "Broken", message: "it broke" };
  const router = await aRouter({
    components: [component],
    rows: Object.fromEntries(
      PINNED.map((customer) => [`customer#${customer}`, aSubjectRow({ pins: { [RC]: aPin({ alias: "beta" }) } })]),
    ),
    target: async (send) => {
      const executedVersion = versionOf(send.alias) ?? "?";
      if (loses?.(send, executedVersion)) return { outcome: "accepted", durationMs: 1 };
      const ran = { executedVersion, durationMs: 5 };
      return isBad(send, executedVersion) ? { outcome: "failed", error, ...ran } : { outcome: "done", ...ran };
    },
  });
  const { table, events, time, calls, database, ports: routing } = router;
  const notices: { "detail-type": string; detail: Record<string, unknown> }[] = [];
  const replays = memoryReplayStore();
  const ports: GuardPorts = {
    routingTable: surrounded(table, ["commit"], calls.around),
    catalog: { ...surrounded(catalog, ["moveAlias"], calls.around), versions: async () => versions },
    events,
    replays: surrounded(replays, ["create", "get"], calls.around),
    watches: surrounded(sqliteWatchStore(database), ["put"], calls.around),
    callReplayer: async () => undefined,
    notify: async (event) => void notices.push(JSON.parse(event)),
    now: time.now,
    random: () => 0.5,
    newId: routing.newId,
  };
  let sent = 0;

  /** One event of each customer, every few seconds, so many times; the clock goes on with them. */
  async function traffic(rounds: number, everyMs = 10_000): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const messages = [...PINNED, ...OTHERS].map((customer) => {
        sent += 1;
        return aMessage({ id: `e-${sent}`, messageId: `m-${sent}`, customer, sentAt: time.now() });
      });
      await routeBatch(routing, messages);
      await time.pass(everyMs);
    }
    await routing.counter.flush();
  }

  async function move(alias: string, to: string, force = false): Promise<void> {
    const from = versionOf(alias);
    const by = { who: "ada", why: "a test", command: "promote", at: time.now(), force };
    const moving = { table, catalog, events, newId: routing.newId };
    await moveAlias(moving, { move: { component: RC, alias, from, to }, kind: "promote", ...by });
  }

  const change = (edit: RoutingEdit) => {
    const by = { changeId: routing.newId(), who: "ada", why: "a test", command: "test", at: time.now() };
    return changeRoutes(table, { edit, ...by });
  };
  /** The watch over version 24, or the only one. */
  const watch = async () => {
    const all = await ports.watches.watches();
    return all.find(({ version }) => version === "24") ?? all[0];
  };
  const look = () => runGuards(ports);
  const drive = async () => {
    const driven = { ...routing, events, replays, catalog: ports.catalog, settleMs: 5_000 };
    for (const { name } of await replays.active())
      await withTime(
        time,
        runReplay(driven, name, () => true),
      );
  };
  const log = async () => await table.changesAfter(0, 200);
  /** Failed or unfinished deliveries of customers on beta. */
  const unresolved = async () => (await router.ledger()).filter(({ status }) => status !== "done");
  return {
    ...router,
    guard: ports,
    traffic,
    move,
    change,
    watch,
    look,
    drive,
    log,
    unresolved,
    versionOf,
    set,
    replays,
    notices,
  };
}
