import { describe, expect, it } from "vitest";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { giveUpMoves, moveFinisher } from "../../../shared/flows/versions/finish-moves.ts";
import { frozen, MOVED_AT, secondsLater, someAliases } from "../../support/alias-moves.ts";
import { eventually } from "../../support/port-calls.ts";

describe("the move of an alias", () => {
  it("is logged as intended, made, and logged as settled, in this order", async () => {
    const { table, calls, move, stable } = someAliases();
    expect(await move("1", "2", { kind: "promote", replay: "replay-7" })).toEqual({ intended: 1, settled: 2 });
    expect(stable()).toBe("2");
    expect(calls.made).toEqual(["rows", "commit", "moveAlias", "commit"]);
    const said = { at: MOVED_AT, who: "ada", why: "a test", command: "turnout test", rows: [] };
    const moved = {
      component: "mailer",
      alias: "stable",
      from: "1",
      to: "2",
      kind: "promote",
      replay: "replay-7",
    };
    expect(await table.changesAfter(0, 9)).toStrictEqual([
      { ...said, changeId: "id-1", revision: 1, move: { ...moved, stage: "intended" } },
      { ...said, changeId: "id-2", revision: 2, move: { ...moved, stage: "settled", intent: 1 } },
    ]);
  });

  it("names a replay in the log only where one belongs to it", async () => {
    const { table, move } = someAliases();
    await move("1", "2");
    const moved = { component: "mailer", alias: "stable", from: "1", to: "2", kind: "set" };
    expect((await table.changesAfter(0, 9)).map((entry) => entry.move)).toStrictEqual([
      { ...moved, stage: "intended" },
      { ...moved, stage: "settled", intent: 1 },
    ]);
  });

  it("is abandoned when the alias has been moved meanwhile", async () => {
    const { calls, move, stable, point, log } = someAliases();
    const moving = calls.hold("moveAlias");
    const late = move("1", "2");
    await eventually(moving.reached);
    point("3");
    moving.release();
    await expect(late).rejects.toMatchObject({ kind: "conflict" });
    await expect(move("1", "2")).rejects.toThrow("Somebody else has just moved stable of mailer. Nothing was changed.");
    expect(stable()).toBe("3");
    expect(await log()).toEqual(["1 → 2 intended", "1 → 2 abandoned", "1 → 2 intended", "1 → 2 abandoned"]);
  });

  it("is abandoned when there is no such version", async () => {
    const { move, log } = someAliases();
    await expect(move("1", "9")).rejects.toMatchObject({ kind: "not found" });
    expect(await log()).toEqual(["1 → 9 intended", "1 → 9 abandoned"]);
  });

  it.each(["not allowed", "conflict"] as const)(
    "is abandoned when it is refused, and made by nobody later: %s",
    async (kind) => {
      const { move, log, calls, finish, stable } = someAliases();
      calls.fail("moveAlias", "before", new TurnoutError(kind, "may not do lambda:UpdateAlias, or is busy"));
      await expect(move("1", "2")).rejects.toMatchObject({ kind });
      await finish(120);
      expect(stable()).toBe("1");
      expect(await log()).toEqual(["1 → 2 intended", "1 → 2 abandoned"]);
    },
  );

  it("goes on when other changes come in between, and ends once", async () => {
    const { change, calls, move, log, table } = someAliases();
    const put = (id: string) => change({ kind: "set plan", customer: id, plan: "paid" });
    const [intending, ending] = [calls.hold("commit"), calls.hold("moveAlias", "after")];
    const moving = move("1", "2");
    await eventually(intending.reached);
    await put("acme");
    intending.release();
    await eventually(ending.reached);
    for (let n = 0; n < 450; n++) await put(`customer-${n}`);
    ending.release();
    expect(await moving).toEqual({ intended: 2, settled: 453 });
    expect(await log()).toEqual(["1 → 2 intended", "1 → 2 settled"]);
    expect(await table.head()).toBe(453);
  });

  it("is refused at another revision than was expected, even if that came at the last moment", async () => {
    const { change, calls, move, log, stable } = someAliases();
    await expect(move("1", "2", { expectedRevision: 7 })).rejects.toMatchObject({ kind: "conflict" });
    const intending = calls.hold("commit");
    const late = move("1", "2", { expectedRevision: 0 });
    await eventually(intending.reached);
    await change({ kind: "set plan", customer: "acme", plan: "paid" });
    intending.release();
    await expect(late).rejects.toThrow("The routing table is at revision 1, not 0");
    expect([stable(), await log()]).toEqual(["1", []]);
    expect(await move("1", "2", { expectedRevision: 1 })).toEqual({ intended: 2, settled: 3 });
  });
});

describe("in a freeze, an alias", () => {
  it("isn't moved, and nothing is logged", async () => {
    const { change, move, log, stable } = someAliases();
    await change(frozen);
    for (const kind of ["set", "publish", "promote"] as const) {
      await expect(move("1", "2", { kind })).rejects.toThrow(/frozen by ada .*: incident 42 \(only rollback,/);
    }
    expect([stable(), await log()]).toEqual(["1", []]);
  });

  it("isn't moved either when the freeze is committed while the move is being logged", async () => {
    const { change, calls, move, log, stable } = someAliases();
    const intending = calls.hold("commit");
    const late = move("1", "2");
    await eventually(intending.reached);
    await change(frozen);
    intending.release();
    await expect(late).rejects.toMatchObject({ kind: "not allowed" });
    expect([stable(), await log()]).toEqual(["1", []]);
  });

  it("is moved by force, which the log says", async () => {
    const { change, move, table } = someAliases();
    await move("1", "2", { force: true });
    await change(frozen);
    await move("2", "3", { force: true });
    const log = await table.changesAfter(0, 9);
    expect(log.map(({ forced }) => forced)).toEqual([undefined, undefined, undefined, true, true]);
  });

  it("is rolled back, which is not forced even with force", async () => {
    const { change, move, stable, table } = someAliases();
    await move("1", "2");
    await change(frozen);
    expect(await move("2", "1", { kind: "rollback", force: true })).toEqual({ intended: 4, settled: 5 });
    expect(stable()).toBe("1");
    for (const entry of await table.changesAfter(3, 9)) expect(entry).not.toHaveProperty("forced");
  });

  it("is frozen for a rollback to what the log doesn't show there, which force goes past as forced", async () => {
    const { change, move, stable, table } = someAliases();
    await move("1", "2");
    await change(frozen);
    await expect(move("2", "3", { kind: "rollback" })).rejects.toMatchObject({ kind: "not allowed" });
    expect(stable()).toBe("2");
    await move("2", "3", { kind: "rollback", force: true });
    expect((await table.changesAfter(3, 9))[0]).toMatchObject({ forced: true, move: { kind: "rollback", to: "3" } });
  });
});

describe("a move that a crash has left intended", () => {
  it("doesn't keep others from being finished when it fails itself", async () => {
    const { die, finish, calls, log } = someAliases();
    await die("before", "1", "2");
    await die("before", "1", "3");
    calls.fail("moveAlias", "before", new Error("no such region"));
    await expect(finish(120)).rejects.toThrow("no such region");
    expect(await log()).toEqual(["1 → 2 intended", "1 → 3 intended", "1 → 3 settled"]);
  });

  it.each([
    ["before the alias was moved", "before"],
    ["when the alias had just been moved", "after"],
  ] as const)("%s is finished after a minute", async (_, when) => {
    const { die, finish, stable, log, table, calls } = someAliases();
    const intent = await die(when, "1", "2", { kind: "promote" });
    expect(stable()).toBe(when === "before" ? "1" : "2");
    expect(await finish(60)).toEqual({ settled: 0, abandoned: 0, waiting: 1, revision: 1 });
    expect(await log()).toEqual(["1 → 2 intended"]);
    calls.since();
    expect(await finish(60.001)).toEqual({ settled: 1, abandoned: 0, waiting: 0, revision: 2 });
    expect(calls.made.filter((made) => made === "moveAlias")).toHaveLength(when === "before" ? 1 : 0);
    expect(stable()).toBe("2");
    const [end] = await table.changesAfter(1, 9);
    expect(end).toMatchObject({
      at: secondsLater(60.001),
      who: "turnout",
      why: "revision 1 by ada was left unfinished",
      move: { from: "1", to: "2", kind: "promote", stage: "settled", intent },
    });
    expect(await finish(999)).toEqual({ settled: 0, abandoned: 0, waiting: 0, revision: 2 });
  });

  it("is finished although its operator never learnt that it was logged", async () => {
    const { move, calls, finish, stable, log } = someAliases();
    calls.fail("commit", "after");
    await expect(move("1", "2")).rejects.toThrow("commit failed");
    expect(stable()).toBe("1");
    await finish(61);
    expect([stable(), await log()]).toEqual(["2", ["1 → 2 intended", "1 → 2 settled"]]);
  });

  it("an intended move of an alias that pointed nowhere is finished", async () => {
    const { die, finish, log, stable } = someAliases();
    await die("before", null, "2", {
      move: { component: "mailer", alias: "beta", from: null, to: "2" },
    });
    await finish(61);
    expect(await log()).toEqual(["null → 2 intended", "null → 2 settled"]);
    expect(stable()).toBe("1");
  });

  it("an intended move whose end was written but not answered is left alone", async () => {
    const { move, calls, finish, log } = someAliases();
    calls.hold("commit", "after").release();
    calls.fail("commit", "after");
    await expect(move("1", "2")).rejects.toThrow("commit failed");
    expect(await finish(61)).toMatchObject({ settled: 0, abandoned: 0, waiting: 0 });
    expect(await log()).toEqual(["1 → 2 intended", "1 → 2 settled"]);
  });

  it("is abandoned when the alias points elsewhere by now", async () => {
    const { die, finish, point, stable, log } = someAliases();
    await die("before", "1", "2");
    point("3");
    expect(await finish(61)).toMatchObject({ settled: 0, abandoned: 1 });
    expect([stable(), await log()]).toEqual(["3", ["1 → 2 intended", "1 → 2 abandoned"]]);
  });

  it("is abandoned when its version is gone", async () => {
    const { die, finish, stable, log } = someAliases();
    await die("before", "1", "9");
    await finish(61);
    expect([stable(), await log()]).toEqual(["1", ["1 → 9 intended", "1 → 9 abandoned"]]);
  });

  it("isn't made any more when the alias has been moved and moved back since", async () => {
    const { die, move, finish, stable, log } = someAliases();
    await die("before", "1", "2");
    await move("1", "3");
    await move("3", "1", { kind: "rollback" });
    await finish(61);
    expect(stable()).toBe("1");
    expect((await log()).at(-1)).toBe("1 → 2 abandoned");
  });

  it("counts as settled when the next move began where it ended", async () => {
    const { die, move, finish, stable, log } = someAliases();
    await die("after", "1", "2");
    await move("2", "3");
    await finish(61);
    expect(stable()).toBe("3");
    expect((await log()).at(-1)).toBe("1 → 2 settled");
  });

  it.each([
    ["isn't made in a freeze", {}, "1", "abandoned"],
    ["isn't made in a freeze if it is a rollback to where it never was", { kind: "rollback" }, "1", "abandoned"],
  ] as const)("%s", async (_, about, version, stage) => {
    const { die, change, finish, stable, log } = someAliases();
    await die("before", "1", "2", about);
    await change(frozen);
    await finish(61);
    expect([stable(), await log()]).toEqual([version, ["1 → 2 intended", `1 → 2 ${stage}`]]);
  });

  it("is made in a freeze if it is a rollback to what was there", async () => {
    const { die, move, change, finish, stable, log } = someAliases();
    await move("1", "2");
    await die("before", "2", "1", { kind: "rollback" });
    await change(frozen);
    await finish(61);
    expect([stable(), (await log()).at(-1)]).toEqual(["1", "2 → 1 settled"]);
  });

  it("is made in a freeze that it was forced through", async () => {
    const { die, change, finish, stable } = someAliases();
    await change(frozen);
    await die("before", "1", "2", { force: true });
    await finish(61);
    expect(stable()).toBe("2");
  });

  it("is finished once by two sweepers, wherever one of them is overtaken", async () => {
    for (const [call, when] of [
      ["moveAlias", "before"],
      ["moveAlias", "after"],
      ["commit", "before"],
    ] as const) {
      const { die, calls, finish, stable, log } = someAliases();
      await die("before", "1", "2");
      const held = calls.hold(call, when);
      const slow = finish(61);
      await eventually(held.reached);
      expect(await finish(62)).toMatchObject({ settled: 1 });
      held.release();
      expect(await slow).toMatchObject({ settled: 0, abandoned: 0, waiting: 0 });
      expect([stable(), await log()]).toEqual(["2", ["1 → 2 intended", "1 → 2 settled"]]);
    }
  });

  it.each(["before", "after"] as const)("is made once when its operator is alive after all, held %s", async (when) => {
    const { calls, move, finish, stable, log } = someAliases();
    const held = calls.hold("moveAlias", when);
    const slow = move("1", "2");
    await eventually(held.reached);
    await finish(61);
    held.release();
    expect(await slow).toEqual({ intended: 1, settled: 2 });
    expect([stable(), await log()]).toEqual(["2", ["1 → 2 intended", "1 → 2 settled"]]);
  });

  it("ends as settled when it has been made by another who hasn't said so yet", async () => {
    for (const who of ["sweeper", "operator"] as const) {
      const { calls, die, move, finish, stable, log } = someAliases();
      if (who === "sweeper") await die("before", "1", "2");
      const late = calls.hold("moveAlias");
      const slow = who === "sweeper" ? finish(61) : move("1", "2");
      await eventually(late.reached);
      const unsaid = calls.hold("moveAlias", "after");
      const quick = finish(61);
      await eventually(unsaid.reached);
      late.release();
      await slow;
      unsaid.release();
      await quick;
      expect([stable(), await log()]).toEqual(["2", ["1 → 2 intended", "1 → 2 settled"]]);
    }
  });

  it("stays as the log tells it when its operator comes back after a freeze has ended it", async () => {
    const { calls, change, move, finish, stable, log } = someAliases();
    const held = calls.hold("moveAlias");
    const slow = move("1", "2");
    await eventually(held.reached);
    await change(frozen);
    await finish(61);
    held.release();
    await expect(slow).rejects.toMatchObject({ kind: "conflict" });
    expect([stable(), await log()]).toEqual(["1", ["1 → 2 intended", "1 → 2 abandoned"]]);
  });

  it("is found among the newest 200 changes, and those of others are told apart", async () => {
    const { die, change, finish, log } = someAliases();
    await die("after", "1", "2");
    await die("before", null, "3", {
      move: { component: "mailer", alias: "beta", from: null, to: "3" },
    });
    for (let n = 0; n < 198; n++) await change({ kind: "set plan", customer: `customer-${n}`, plan: "paid" });
    expect(await finish(61)).toMatchObject({ settled: 2, waiting: 0 });
    expect((await log()).slice(2)).toEqual(["1 → 2 settled", "null → 3 settled"]);
  });

  it("is left to whoever intended it for a minute", async () => {
    const { die, finish } = someAliases();
    await die("after", "1", "2");
    expect(await finish(60)).toMatchObject({ settled: 0, waiting: 1 });
    expect(await finish(60.001)).toMatchObject({ settled: 1, waiting: 0 });
  });

  it("is left for the next run where others come first twenty times", async () => {
    const { die, finish, ports, change } = someAliases();
    await die("after", "1", "2");
    const { commit } = ports.table;
    let tries = 0;
    ports.table.commit = async (...request) => {
      tries += 1;
      await change({ kind: "set plan", customer: `customer-${tries}`, plan: "paid" });
      return commit(...request);
    };
    expect(await finish(61)).toMatchObject({ settled: 0, abandoned: 0, waiting: 1 });
    expect(tries).toBe(20);
    ports.table.commit = commit;
    expect(await finish(61)).toMatchObject({ settled: 1, waiting: 0 });
  });

  it("isn't looked for further back", async () => {
    const { die, change, finish } = someAliases();
    await die("after", "1", "2");
    for (let n = 0; n < 200; n++) await change({ kind: "set plan", customer: `customer-${n}`, plan: "paid" });
    expect(await finish(61)).toMatchObject({ settled: 0, waiting: 0 });
  });
});

describe("what finishes moves again and again", () => {
  it("waits for a move that may still be made by whoever intended it", async () => {
    const { die, ports, log } = someAliases();
    const finish = moveFinisher(ports);
    await die("before", "1", "2");
    for (const seconds of [10, 20]) await finish(secondsLater(seconds));
    expect(await log()).toEqual(["1 → 2 intended"]);
    await finish(secondsLater(61));
    expect(await log()).toEqual(["1 → 2 intended", "1 → 2 settled"]);
  });

  it("reads the log again only once it has grown", async () => {
    const { ports, calls, move } = someAliases();
    const finish = moveFinisher(ports);
    await move("1", "2");
    const reads = async () => {
      calls.since();
      await finish(secondsLater(90));
      return calls.made.length;
    };
    expect([(await reads()) > 0, await reads(), await reads()]).toEqual([true, 0, 0]);
    await move("2", "3");
    expect((await reads()) > 0).toBe(true);
  });
});

describe("moves that are given up", () => {
  it("are those of one who intended them, at one component, and of nobody else", async () => {
    const { die, log, ports, stable } = someAliases();
    await die("before", "1", "2", { who: "release/r" });
    await die("before", "1", "3", { who: "ada" });
    const other = { component: "other", alias: "stable", from: "1", to: "4" };
    await die("before", "1", "4", { who: "release/r", move: other });
    await giveUpMoves(ports, "release/r", "mailer", MOVED_AT);
    expect((await log()).slice(3)).toEqual(["1 → 2 abandoned"]);
    expect(stable()).toBe("1");
  });

  it("are told as made where they were", async () => {
    const { die, log, ports } = someAliases();
    await die("after", "1", "2", { who: "release/r" });
    await giveUpMoves(ports, "release/r", "mailer", MOVED_AT);
    expect((await log()).at(-1)).toBe("1 → 2 settled");
  });
});
