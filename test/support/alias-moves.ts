import { DEFAULT_GUARDRAILS } from "../../shared/domain/routing/guardrails.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import { finishMoves } from "../../shared/flows/versions/finish-moves.ts";
import { type MoveRequest, moveAlias } from "../../shared/flows/versions/move-alias.ts";
import { memoryCatalog } from "./memory-catalog.ts";
import { noEvents } from "./no-events.ts";
import { portCalls, surrounded } from "./port-calls.ts";
import { aRoutingTable } from "./routing-table.ts";

export const MOVED_AT = new Date("2026-11-20T10:00:00.000Z");

/** So many seconds after `MOVED_AT`. */
export const secondsLater = (seconds: number) => new Date(MOVED_AT.getTime() + seconds * 1_000);

export const frozen: RoutingEdit = {
  kind: "set guardrails",
  guardrails: { ...DEFAULT_GUARDRAILS, freeze: { who: "ada", why: "incident 42", at: MOVED_AT.toISOString() } },
};

/** Aliases of the component mailer, of which stable points at version 1, and a change log. */
export function someAliases() {
  const { table, change } = aRoutingTable();
  const { catalog, versionOf, set } = memoryCatalog({ stable: "1" });
  const calls = portCalls();
  let ids = 0;
  const ports = {
    table: surrounded(table, ["rows", "commit"], calls.around),
    events: noEvents,
    catalog: surrounded(catalog, ["moveAlias"], calls.around),
    newId: () => `id-${++ids}`,
  };
  /** Moves stable, as ada does it. */
  const move = (from: string | null, to: string, about: Partial<MoveRequest> = {}) => {
    const request = { kind: "set", who: "ada", why: "a test", command: "turnout test", at: MOVED_AT } as const;
    return moveAlias(ports, { ...request, move: { component: "mailer", alias: "stable", from, to }, ...about });
  };
  return {
    table,
    catalog,
    change,
    ports,
    calls,
    move,
    /** Moves stable, and dies before or after the alias was moved. Returns the revision that intends it. */
    async die(when: "before" | "after", ...args: Parameters<typeof move>): Promise<number> {
      const before = await table.head();
      calls.fail("moveAlias", when, new Error("died"));
      const died = await move(...args).catch((error: Error) => error.message);
      if (died !== "died") throw new Error("the move didn't die");
      return before + 1;
    },
    finish: (seconds: number) => finishMoves(ports, secondsLater(seconds)),
    stable: () => versionOf("stable"),
    /** Points stable elsewhere without the change log. */
    point: (version: string) => set("stable", version),
    /** The log of moves, e.g. `1 → 2 settled`. */
    async log() {
      const entries = await table.changesAfter(0, 1_000);
      return entries.flatMap(({ move: logged }) => (logged ? [`${logged.from} → ${logged.to} ${logged.stage}`] : []));
    },
  };
}
