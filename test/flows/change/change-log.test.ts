import { describe, expect, it } from "vitest";
import type { ChangeFilter } from "../../../shared/domain/routing/change-filter.ts";
import { changeAt, readHistory } from "../../../shared/flows/change/change-log.ts";
import { aRoutingTable } from "../../support/routing-table.ts";

const minute = (n: number) => new Date(Date.UTC(2026, 10, 20, 10, n));

/** A log with a change at each of these minutes; every third by bob. */
async function aLog(minutes: readonly number[]) {
  const { table } = aRoutingTable();
  for (const [index, at] of minutes.entries()) {
    const who = index % 3 === 0 ? "bob" : "ada";
    await table.commit({ changeId: `c-${index}`, at: minute(at), who, why: "", command: "test", rows: [] }, index);
  }
  const history = async (filter: ChangeFilter, limit?: number) =>
    (await Array.fromAsync(readHistory(table, filter, limit))).flat().map(({ revision }) => revision);
  const newestAt = async (at: number) => (await changeAt(table, minute(at)))?.revision;
  return { table, history, newestAt };
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe("the history", () => {
  it("is the whole log, the newest last, over pages", async () => {
    const { history } = await aLog(upTo(450));
    expect(await history({})).toEqual(upTo(450).map((n) => n + 1));
    expect(await history({ who: "bob" })).toHaveLength(150);
  });

  it("is only the newest so many that pass the filter, where it is limited", async () => {
    const { history } = await aLog(upTo(450));
    expect(await history({}, 3)).toEqual([448, 449, 450]);
    expect(await history({ who: "bob" }, 2)).toEqual([445, 448]);
    expect(await history({ from: minute(-10), to: minute(3) }, 2)).toEqual([2, 3]);
    expect(await history({}, 999)).toHaveLength(450);
    expect(await history({ who: "nobody" }, 3)).toEqual([]);
  });

  it("has what was made from a time until before another, though clocks differ", async () => {
    const { history } = await aLog([0, 5, 2, 3, 9, 4, 20]);
    expect(await history({ from: minute(3), to: minute(9) })).toEqual([2, 4, 6]);
    expect(await history({ from: minute(21) })).toEqual([]);
    expect(await history({ to: minute(0) })).toEqual([]);
  });

  it("the history of one day in a long log reads little of it", async () => {
    const { table } = await aLog(upTo(1_000).map((n) => n * 60));
    let read = 0;
    const counting = {
      head: table.head,
      changesAfter: async (after: number, limit: number) => {
        const changes = await table.changesAfter(after, limit);
        read += changes.length;
        return changes;
      },
    };
    const found = (await Array.fromAsync(readHistory(counting, { from: minute(0), to: minute(60) }))).flat();
    expect(found.map(({ revision }) => revision)).toEqual([1]);
    expect(read).toBeLessThan(60);
    read = 0;
    expect((await changeAt(counting, minute(500 * 60)))?.revision).toBe(501);
    expect(read).toBeLessThan(230);
  });

  it("the history of an empty log is empty", async () => {
    const { history, newestAt } = await aLog([]);
    expect([await history({}), await history({ from: minute(0) }, 5), await newestAt(0)]).toEqual([[], [], undefined]);
  });
});

describe("the change at a time", () => {
  it("is the newest one made then or before, though clocks differ", async () => {
    const { newestAt } = await aLog([0, 5, 2, 3, 9, 4, 20]);
    const found = await Promise.all([-1, 0, 1, 2, 3, 4, 8, 9, 19, 20, 99_999].map(newestAt));
    expect(found).toEqual([undefined, 1, 1, 3, 4, 6, 6, 6, 6, 7, 7]);
  });
});

describe("a log with an entry that can't be read", () => {
  /** The log of these minutes, whose entries at `broken` have no time. */
  async function aDamagedLog(minutes: readonly number[], ...broken: number[]) {
    const { table } = await aLog(minutes);
    const changesAfter = async (after: number, limit: number) =>
      (await table.changesAfter(after, limit)).map((change) =>
        broken.includes(change.revision) ? { ...change, at: new Date(Number.NaN), unreadable: "damaged" } : change,
      );
    return { head: table.head, changesAfter };
  }
  const days = (n: number) => n * 24 * 60;

  it("is found in by those that can be read, whichever it is", async () => {
    const minutes = [0, days(2), days(4), days(6), days(8), days(10), days(12), days(14)];
    for (const broken of upTo(8).map((n) => n + 1)) {
      const log = await aDamagedLog(minutes, broken);
      const others = upTo(8)
        .map((n) => n + 1)
        .filter((revision) => revision !== broken);
      for (const revision of others) {
        const at = minute(minutes[revision - 1] ?? 0);
        expect((await changeAt(log, at))?.revision).toBe(revision);
        const since = (await Array.fromAsync(readHistory(log, { from: at }))).flat();
        expect(since.map((change) => change.revision)).toEqual(
          expect.arrayContaining(others.filter((other) => other >= revision)),
        );
      }
    }
  });

  it("ends where nothing behind the middle can be read", async () => {
    const log = await aDamagedLog([0, days(2), days(4), days(6)], 2, 3, 4);
    expect((await changeAt(log, minute(days(9))))?.revision).toBe(1);
  });
});

it("the history reads no further than where the clock passes its end by a day", async () => {
  const { table } = await aLog([0, 24 * 60 - 1, 24 * 60, 24 * 60 + 1, 24 * 60 * 3]);
  const asked: string[] = [];
  const log = {
    head: table.head,
    async changesAfter(after: number, limit: number) {
      const changes = await table.changesAfter(after, limit);
      if (limit !== 1) asked.push(`${after + 1} to ${after + changes.length}`);
      return changes;
    },
  };
  await Array.fromAsync(readHistory(log, { to: minute(0) }));
  expect(asked).toEqual(["1 to 3"]);
});

it("the history yields no page without a change that passes, and asks for none behind the last", async () => {
  const { table } = await aLog(upTo(250));
  let asked = 0;
  const log = {
    head: table.head,
    changesAfter(after: number, limit: number) {
      asked += 1;
      return table.changesAfter(after, limit);
    },
  };
  expect(await Array.fromAsync(readHistory(log, { who: "nobody" }))).toEqual([]);
  expect(asked).toBe(2);
  expect(await Array.fromAsync(readHistory(log, { who: "nobody" }, 5))).toEqual([]);
  expect(await Array.fromAsync(readHistory(log, { from: minute(200), to: minute(201) }, 1))).toHaveLength(1);
});

it("the history ends where the log does, though its head says there is more", async () => {
  const { table } = await aLog(upTo(3));
  const log = { head: async () => 9, changesAfter: table.changesAfter };
  expect((await Array.fromAsync(readHistory(log, {}))).flat()).toHaveLength(3);
});
