import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MoveKind } from "../../../shared/domain/routing/alias-move.ts";
import { aliasHistory } from "../../../shared/flows/versions/alias-history.ts";
import { finishMoves } from "../../../shared/flows/versions/finish-moves.ts";
import { type MoveRequest, moveAlias } from "../../../shared/flows/versions/move-alias.ts";
import { secondsLater } from "../../support/alias-moves.ts";
import { memoryCatalog } from "../../support/memory-catalog.ts";
import { memoryRoutingTable } from "../../support/memory-routing-table.ts";
import { noEvents } from "../../support/no-events.ts";

/** The alias stable of mailer, which points nowhere yet, and a clock that goes on by a second with every move. */
function stableOfMailer() {
  const { table, put } = memoryRoutingTable();
  const { catalog, versionOf, set } = memoryCatalog();
  let [ids, seconds] = [0, 0];
  const ports = { table, events: noEvents, catalog, newId: () => `id-${++ids}` };
  const history = () => aliasHistory(table, catalog, "mailer", "stable");

  function move(kind: MoveKind, to: string, on = ports, about: Partial<MoveRequest["move"]> = {}) {
    const moved = { component: "mailer", alias: "stable", from: versionOf("stable"), to, ...about };
    const meta = { who: "ada", why: "a test", command: "turnout test", at: secondsLater(++seconds) };
    return moveAlias(on, { ...meta, kind, move: moved });
  }

  return {
    table,
    catalog,
    ports,
    history,
    move,
    /** Moves it back, as the history says. Returns where it points then. */
    async rollback(): Promise<string | null> {
      const { previous } = await history();
      if (previous !== undefined) await move("rollback", previous);
      return versionOf("stable");
    },
    /** A move that somebody else was quicker than. */
    async loseRace(kind: MoveKind, to: string): Promise<void> {
      await move(kind, to, ports, { from: "not there" }).catch(() => {});
    },
    /** A move that dies before or after the alias was moved. Returns its revision. */
    async die(when: "before" | "after", kind: MoveKind, to: string): Promise<number> {
      const dying: typeof catalog.moveAlias = async (...args) => {
        if (when === "after") await catalog.moveAlias(...args);
        throw new Error("died");
      };
      await move(kind, to, { ...ports, catalog: { ...catalog, moveAlias: dying } }).catch(() => {});
      return table.head();
    },
    async finish(): Promise<void> {
      seconds += 61;
      await finishMoves(ports, secondsLater(seconds));
    },
    /** Changes of something else. */
    others(count: number): void {
      for (let n = 0; n < count; n++) put({});
    },
    byHand: (version: string) => set("stable", version),
    version: () => versionOf("stable"),
  };
}

describe("the history of an alias", () => {
  it("says where it points, since which change, and what was promoted there before", async () => {
    const { history, move } = stableOfMailer();
    expect(await history()).toEqual({ version: null });
    await move("publish", "1");
    expect(await history()).toEqual({ version: "1", since: secondsLater(1), revision: 1 });
    await move("promote", "3");
    expect(await history()).toEqual({ version: "3", since: secondsLater(2), revision: 3, previous: "1" });
    await move("rollback", "1");
    expect(await history()).toEqual({ version: "1", since: secondsLater(3), revision: 5 });
  });

  it("of one that points nowhere says so, and reads none of the log for it", async () => {
    const { table, catalog, others } = stableOfMailer();
    others(3);
    const read: number[] = [];
    const changesAfter: typeof table.changesAfter = (revision, limit) => {
      read.push(revision);
      return table.changesAfter(revision, limit);
    };
    expect(await aliasHistory({ ...table, changesAfter }, catalog, "mailer", "stable")).toEqual({ version: null });
    expect(read).toEqual([]);
  });

  it("lets two rollbacks in a row go two steps back, and none of them forward", async () => {
    const { move, rollback } = stableOfMailer();
    for (const version of ["1", "2", "3"]) await move("promote", version);
    expect([await rollback(), await rollback(), await rollback()]).toEqual(["2", "1", "1"]);
    await move("promote", "4");
    await move("promote", "5");
    expect([await rollback(), await rollback(), await rollback()]).toEqual(["4", "1", "1"]);
  });

  it("forgets what a rollback to a named version goes past, also where that was never promoted", async () => {
    const { move, history } = stableOfMailer();
    for (const version of ["1", "2", "3", "4"]) await move("promote", version);
    await move("rollback", "2");
    expect(await history()).toMatchObject({ version: "2", previous: "1" });
    await move("rollback", "5");
    expect(await history()).toMatchObject({ version: "5", previous: "1" });
  });

  it("counts no move that was abandoned, nor one that hasn't been made", async () => {
    const { move, history, loseRace, die } = stableOfMailer();
    await move("publish", "1");
    await move("publish", "2");
    await loseRace("publish", "3");
    await die("before", "publish", "4");
    expect(await history()).toEqual({ version: "2", since: secondsLater(2), revision: 3, previous: "1" });
  });

  it("counts a move that has been made and not been ended, and then the same", async () => {
    const { move, history, die, finish } = stableOfMailer();
    await move("publish", "1");
    await move("publish", "2");
    const revision = await die("after", "rollback", "1");
    const standing = { version: "1", since: secondsLater(3), revision };
    expect(await history()).toEqual(standing);
    await finish();
    expect(await history()).toEqual(standing);
  });

  it("counts a move that two have made at the same time once", async () => {
    const { move, rollback, catalog, ports } = stableOfMailer();
    await move("promote", "3");
    await move("promote", "1");
    const overtaken: typeof catalog.moveAlias = async (...args) => {
      await move("promote", "2");
      return catalog.moveAlias(...args);
    };
    await move("promote", "2", { ...ports, catalog: { ...catalog, moveAlias: overtaken } });
    expect([await rollback(), await rollback(), await rollback()]).toEqual(["1", "3", "3"]);
  });

  it("doesn't take a move that was never made for the later one that led to the same version", async () => {
    const { move, history, die } = stableOfMailer();
    await move("promote", "1");
    await die("before", "promote", "2");
    await move("promote", "2");
    expect(await history()).toEqual({ version: "2", since: secondsLater(3), revision: 4, previous: "1" });
  });

  it("finds what lay below a version of long ago", async () => {
    const { move, history, others } = stableOfMailer();
    for (const version of ["1", "2", "3"]) await move("promote", version);
    others(250);
    await move("promote", "4");
    await move("rollback", "2");
    expect(await history()).toMatchObject({ version: "2", previous: "1" });
  });

  it("takes what an alias pointed at for promoted where the log doesn't say how it came there", async () => {
    const { move, history, byHand } = stableOfMailer();
    byHand("2");
    expect(await history()).toEqual({ version: "2" });
    await move("promote", "3");
    expect(await history()).toMatchObject({ version: "3", previous: "2" });
    byHand("5");
    expect(await history()).toEqual({ version: "5", previous: "3" });
  });

  it("is told by the newest changes of a long log", async () => {
    const { table, move, others } = stableOfMailer();
    others(1_000);
    await move("publish", "1");
    await move("publish", "2");
    others(50);
    let read = 0;
    const changesAfter: typeof table.changesAfter = async (...args) => {
      const changes = await table.changesAfter(...args);
      read += changes.length;
      return changes;
    };
    const { catalog } = memoryCatalog({ stable: "2" });
    const log = { head: table.head, changesAfter };
    expect(await aliasHistory(log, catalog, "mailer", "stable")).toMatchObject({ version: "2", previous: "1" });
    expect(read).toBe(200);
  });

  it("is of one moment, though the alias is moved while it is read", async () => {
    const { table, move } = stableOfMailer();
    for (const version of ["1", "2", "3"]) await move("promote", version);
    const { catalog, set } = memoryCatalog({ stable: "3" });
    let isFirst = true;
    const aliases: typeof catalog.aliases = async () => {
      if (isFirst) {
        isFirst = false;
        await move("rollback", "2");
        set("stable", "2");
      }
      return catalog.aliases("mailer");
    };
    expect(await aliasHistory(table, { aliases }, "mailer", "stable")).toMatchObject({ version: "2", previous: "1" });
  });
});

/** A thing that happens, in a random history. */
type Step =
  | { does: "promotes"; kind: MoveKind; version: string }
  | { does: "rolls back" }
  | { does: "rolls back to" | "moves by hand"; version: string }
  | { does: "loses a race"; kind: MoveKind; version: string }
  | { does: "dies"; when: "before" | "after"; kind: MoveKind; version: string }
  | { does: "something else"; count: number };

const version = fc.constantFrom("1", "2", "3", "4");
const promoting = fc.constantFrom<MoveKind>("publish", "promote", "set");
const anyKind = fc.constantFrom<MoveKind>("publish", "promote", "set", "rollback");
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant("promotes" as const), kind: promoting, version }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant("rolls back" as const) }) },
  fc.record({ does: fc.constant("rolls back to" as const), version }),
  fc.record({ does: fc.constant("moves by hand" as const), version }),
  fc.record({ does: fc.constant("loses a race" as const), kind: anyKind, version }),
  fc.record({
    does: fc.constant("dies" as const),
    when: fc.constantFrom("before" as const, "after" as const),
    kind: anyKind,
    version,
  }),
  fc.record({ does: fc.constant("something else" as const), count: fc.constantFrom(1, 150, 250) }),
);

/** What is promoted, each on top of what it took the place of. */
function pile() {
  let versions: string[] = [];
  let last = "";
  /** Where somebody has moved it by hand. The log comes to know only what the next move begins at. */
  let byHand: string | undefined;
  const piled = () => (byHand === undefined || byHand === versions.at(-1) ? versions : [...versions, byHand]);
  return {
    put(kind: MoveKind | "by hand", from: string | null, to: string): void {
      if (kind === "by hand") byHand = to;
      else {
        // The same move twice in a row is one.
        if (last !== `${kind} ${from} ${to}`)
          versions = kind === "rollback" ? rolledBack(piled(), to) : [...piled(), to];
        last = `${kind} ${from} ${to}`;
        byHand = undefined;
      }
    },
    standing: () => ({ version: piled().at(-1) ?? null, previous: piled().at(-2) }),
  };
}

function rolledBack(versions: readonly string[], to: string): string[] {
  const below = versions.slice(0, -1);
  return [...below.slice(0, below.includes(to) ? below.lastIndexOf(to) : below.length), to];
}

describe("the history of an alias", () => {
  it("is that of a pile of versions, whatever has happened", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 20 }), async (steps) => {
        const alias = stableOfMailer();
        const { put, standing } = pile();
        const isSame = async () => {
          const { version: told, previous } = await alias.history();
          expect({ version: told, previous }).toEqual(standing());
        };
        for (const step of steps) {
          if (step.does === "something else") {
            alias.others(step.count);
            continue;
          }
          const from = alias.version();
          const to = step.does === "rolls back" ? standing().previous : step.version;
          if (to === undefined || to === from) continue;
          const kind = step.does === "moves by hand" ? "by hand" : "kind" in step ? step.kind : "rollback";
          if (kind === "by hand") alias.byHand(to);
          else if (step.does === "loses a race") await alias.loseRace(kind, to);
          else if (step.does === "dies") await alias.die(step.when, kind, to);
          else if (step.does === "rolls back") await alias.rollback();
          else await alias.move(kind, to);
          const isMoved = step.does !== "loses a race" && !(step.does === "dies" && step.when === "before");
          if (isMoved) put(kind, from, to);
          await isSame();
          if (step.does !== "dies") continue;
          await alias.finish();
          if (!isMoved) put(kind, from, to);
          await isSame();
        }
      }),
      { numRuns: 300 },
    );
  });
});
