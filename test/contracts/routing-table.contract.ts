import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import type { LoggedMove } from "../../shared/domain/routing/alias-move.ts";
import type {
  ChangeLogEntry,
  CommitResult,
  Revision,
  RoutingChange,
  RowChange,
  RowKey,
  StoredRow,
} from "../../shared/domain/routing/routing-change.ts";
import { MAX_ROWS_PER_CHANGE } from "../../shared/domain/routing/routing-change.ts";
import type { SubjectRow } from "../../shared/domain/routing/subject-rows.ts";
import { UnreadableRow } from "../../shared/domain/routing/unreadable-row.ts";
import { type SubjectKey, subjectLevels } from "../../shared/domain/subject.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { anyAcceptedRow } from "../support/any-row.ts";
import { anyText } from "../support/any-text.ts";
import { aComponent, aPin, aSubjectRow } from "../support/builders.ts";
import { nextTurn } from "../support/port-calls.ts";

export type OpenRoutingTable = {
  /** May hold what other tests have committed, but nobody commits to it at the same time. */
  table: RoutingTable;
  /** The same table, as another process has it. */
  another: () => Promise<RoutingTable>;
  /** Puts this text in the place of a stored row or log entry, as no commit would. */
  damage: (place: RowKey | Revision, text: string) => Promise<void>;
  close: () => Promise<void>;
};

const at = new Date("2026-11-20T10:00:00.123Z");

/** What every routing table does. Each test keeps to row keys of its own, and starts at whatever the head is. */
export function describeRoutingTable(name: string, open: () => Promise<OpenRoutingTable>): void {
  async function openTable() {
    const { close, ...opened } = await open();
    onTestFinished(close);
    return { ...opened, first: await opened.table.head(), own: randomUUID() };
  }

  describe(`a commit to a routing table (${name})`, () => {
    test("raises the revision by one", async () => {
      const { table, first, own } = await openTable();
      const set = (plan: string) => aChange([put(`customer#${own}`, aSubjectRow({ plan }))]);
      expect(await table.commit(set("free"), first)).toEqual({ committed: true, revision: first + 1 });
      expect(await table.head()).toBe(first + 1);
      expect(await table.commit(set("paid"), first + 1)).toEqual({ committed: true, revision: first + 2 });
      expect(await table.head()).toBe(first + 2);
    });

    test("stands in the change log with all that was said of it", async () => {
      const { table, first, own } = await openTable();
      const rows = [
        change(`project#${own}`, null, aSubjectRow({ customer: own })),
        change(`customer#${own}`, aSubjectRow({ plan: "free" }), aSubjectRow({ plan: "paid" })),
        change(`plan#${own}`, aSubjectRow({ pins: { billing: aPin() } }), null),
      ];
      const committed = aChange(rows, { who: "arn:aws:iam::1:user/ada", why: "Ærø\n😀", command: "turnout pin …" });
      await table.commit(committed, first);
      expect(await table.changesAfter(first, 10)).toStrictEqual([{ ...committed, revision: first + 1 }]);
    });

    test("keeps the move of an alias, to the winner's entry that a loser is told, and none where there was none", async () => {
      const { table, another, first } = await openTable();
      const move: LoggedMove = {
        component: "release-coordinator",
        alias: "stable",
        from: null,
        to: "22",
        kind: "rollback",
        stage: "settled",
        intent: first + 1,
        replay: "replay-7",
      };
      const [plain, moving] = [aChange([]), aChange([], { move })];
      await table.commit(plain, first);
      await table.commit(moving, first + 1);
      const log = await (await another()).changesAfter(first, 10);
      expect(log).toStrictEqual([
        { ...plain, revision: first + 1 },
        { ...moving, revision: first + 2 },
      ]);
      expect(await table.commit(aChange([]), first + 1)).toMatchObject({ committed: false, winner: { move } });
    });

    test("puts its rows there together, and keeps the others", async () => {
      const { table, first, own } = await openTable();
      const [a, b, c] = keysOf(own);
      const row = aSubjectRow({ pins: { billing: aPin({ until: "2026-12-01T00:00:00.000Z" }) }, cohorts: ["staff"] });
      await table.commit(aChange([put(a, row), put(b, row)]), first);
      await table.commit(aChange([put(b, aSubjectRow({ plan: "paid" })), put(c, row)]), first + 1);
      expect(await table.rows([a, b, c])).toStrictEqual({
        revision: first + 2,
        rows: new Map<RowKey, StoredRow>([
          [a, row],
          [b, aSubjectRow({ plan: "paid" })],
          [c, row],
        ]),
      });
    });

    test("takes rows away, also one that isn't there", async () => {
      const { table, first, own } = await openTable();
      const [there, absent] = keysOf(own);
      await table.commit(aChange([put(there, aSubjectRow())]), first);
      await table.commit(aChange([put(there, null), put(absent, null)]), first + 1);
      expect(await table.rows([there, absent])).toEqual({ revision: first + 2, rows: new Map() });
      await table.commit(aChange([put(there, aSubjectRow({ plan: "paid" }))]), first + 2);
      expect((await table.rows([there])).rows.get(there)).toEqual(aSubjectRow({ plan: "paid" }));
    });

    test(`takes no rows at all, and ${MAX_ROWS_PER_CHANGE} of them`, async () => {
      const { table, first, own } = await openTable();
      expect(await table.commit(aChange([]), first)).toEqual({ committed: true, revision: first + 1 });
      const keys = Array.from({ length: MAX_ROWS_PER_CHANGE }, (_, n): RowKey => `project#${own}/${n}`);
      await table.commit(aChange(keys.map((key) => put(key, aSubjectRow({ customer: key })))), first + 1);
      const { rows } = await table.rows(keys);
      expect([...rows.values()]).toEqual(keys.map((customer) => aSubjectRow({ customer })));
    });

    test("is refused, and applies nothing, with more rows than that, more bytes than any store takes, or a row twice", async () => {
      const { table, first, own } = await openTable();
      const keys = Array.from({ length: MAX_ROWS_PER_CHANGE + 1 }, (_, n): RowKey => `project#${own}/${n}`);
      const [key = `project#${own}`] = keys;
      const tooMany = aChange(keys.map((each) => put(each, aSubjectRow())));
      await expect(table.commit(tooMany, first)).rejects.toThrow(`touches ${MAX_ROWS_PER_CHANGE + 1} rows`);
      const tooLong = aChange([put(key, aSubjectRow({ customer: "x".repeat(400_000) }))]);
      await expect(table.commit(tooLong, first)).rejects.toThrow("bytes of rows");
      const twice = aChange([put(key, aSubjectRow()), put(key, aSubjectRow({ plan: "free" }))]);
      await expect(table.commit(twice, first)).rejects.toThrow("twice");
      expect(await table.rows(keys.slice(0, 9))).toEqual({ revision: first, rows: new Map() });
    });

    test("a commit that lost the race names the change that won, and applies nothing", async () => {
      const { table, another, first, own } = await openTable();
      const [key, other] = keysOf(own);
      const winner = aChange([put(key, aSubjectRow({ plan: "paid" }))], { who: "bob", why: "faster" });
      await (await another()).commit(winner, first);
      const loser = aChange([put(key, aSubjectRow({ plan: "free" })), put(other, aSubjectRow())], { who: "ada" });
      const lost: CommitResult = { committed: false, head: first + 1, winner: { ...winner, revision: first + 1 } };
      expect(await table.commit(loser, first)).toStrictEqual(lost);
      expect(await table.rows([key, other])).toEqual({
        revision: first + 1,
        rows: new Map([[key, aSubjectRow({ plan: "paid" })]]),
      });
      expect(await table.changesAfter(first, 10)).toHaveLength(1);
      expect(await table.commit(loser, first + 1)).toEqual({ committed: true, revision: first + 2 });
    });

    test("far behind names the first change that it didn't know of", async () => {
      const { table, first } = await openTable();
      const changes = [aChange([]), aChange([]), aChange([])];
      for (const [n, committed] of changes.entries()) await table.commit(committed, first + n);
      expect(await table.commit(aChange([]), first + 1)).toMatchObject({
        committed: false,
        head: first + 3,
        winner: { revision: first + 2, changeId: changes[1]?.changeId },
      });
    });

    test("a commit that comes again because its answer was lost is a success at its own revision", async () => {
      const { table, another, first, own } = await openTable();
      const key: SubjectKey = `customer#${own}`;
      const retried = aChange([put(key, aSubjectRow({ plan: "free" }))]);
      await table.commit(retried, first);
      expect(await table.commit(retried, first)).toEqual({ committed: true, revision: first + 1 });
      await table.commit(aChange([put(key, aSubjectRow({ plan: "paid" }))]), first + 1);
      expect(await (await another()).commit(retried, first)).toEqual({ committed: true, revision: first + 1 });
      expect(await table.head()).toBe(first + 2);
      expect((await table.rows([key])).rows.get(key)).toEqual(aSubjectRow({ plan: "paid" }));
    });

    test("sent twice at once is made once", async () => {
      const { table, another, first } = await openTable();
      const twice = aChange([]);
      const answers = await Promise.all([table, await another()].map((either) => either.commit(twice, first)));
      expect(answers).toEqual([
        { committed: true, revision: first + 1 },
        { committed: true, revision: first + 1 },
      ]);
      expect(await table.head()).toBe(first + 1);
    });

    test("refuses to follow a revision that isn't there yet, and applies nothing", async () => {
      const { table, first, own } = await openTable();
      const early = aChange([put(`customer#${own}`, aSubjectRow())]);
      await expect(table.commit(early, first + 1)).rejects.toThrow();
      expect(await table.rows([`customer#${own}`])).toEqual({ revision: first, rows: new Map() });
      expect(await table.changesAfter(first, 10)).toEqual([]);
    });

    test("a commit by many at once loses no update and leaves no gap", async () => {
      const { table, another, first, own } = await openTable();
      const tables = [table, await another()];
      const key: SubjectKey = `customer#${own}`;
      await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          commitOnNewest(tables[n % 2] ?? table, key, (row) => aSubjectRow({ plan: `${Number(row?.plan ?? 0) + 1}` })),
        ),
      );
      expect((await table.rows([key])).rows.get(key)).toEqual(aSubjectRow({ plan: "50" }));
      const log = await table.changesAfter(first, 100);
      expect(log.map(({ revision }) => revision)).toEqual(Array.from({ length: 50 }, (_, n) => first + n + 1));
      expect(new Set(log.map(({ changeId }) => changeId)).size).toBe(50);
    });
  });

  describe(`the change log of a routing table (${name})`, () => {
    test("is read after any revision, oldest first, without a gap, as far as asked for", async () => {
      const { table, first } = await openTable();
      for (let n = 0; n < 12; n++) await table.commit(aChange([], { why: `${n}` }), first + n);
      const read = async (after: Revision, limit: number) =>
        (await table.changesAfter(first + after, limit)).map(({ why, revision }) => [why, revision - first]);
      expect(await read(0, 3)).toEqual([
        ["0", 1],
        ["1", 2],
        ["2", 3],
      ]);
      expect(await read(10, 100)).toEqual([
        ["10", 11],
        ["11", 12],
      ]);
      expect(await read(0, 12)).toHaveLength(12);
      expect(await read(12, 10)).toEqual([]);
      expect(await read(99, 10)).toEqual([]);
    });

    test("a change log of 250 changes is read at once", async () => {
      const { table, first } = await openTable();
      for (let n = 0; n < 250; n++) await table.commit(aChange([]), first + n);
      const revisions = (await table.changesAfter(first, 300)).map(({ revision }) => revision);
      expect(revisions).toEqual(Array.from({ length: 250 }, (_, n) => first + n + 1));
    });

    test("tells with the components whether users have rows, from the change on that gives one to a user", async () => {
      const { table, another, first, own } = await openTable();
      const before = (await table.components()).usersHaveRows;
      await table.commit(aChange([put(`customer#${own}`, aSubjectRow({ plan: "free" }))]), first);
      expect((await table.components()).usersHaveRows).toBe(before);
      const pinned = aSubjectRow({ pins: { mailer: aPin() } });
      await table.commit(
        aChange([put(`user#${own}`, pinned), put(`component#${own}`, aComponent({ name: own }))]),
        first + 1,
      );
      const snapshot = await (await another()).components();
      expect(snapshot).toMatchObject({ revision: first + 2, usersHaveRows: true });
      expect((await table.rows([`user#${own}`])).rows.get(`user#${own}`)).toEqual(pinned);
      await table.commit(aChange([put(`component#${own}`, null), put(`user#${own}`, null)]), first + 2);
      expect((await table.components()).components.map(({ name }) => name)).not.toContain(own);
    });

    test("leads from the rows before to the rows after, whatever was changed", async () => {
      const { table } = await openTable();
      await fc.assert(
        fc.asyncProperty(fc.array(anEdit, { maxLength: 12 }), async (edits) => {
          const own = randomUUID();
          const first = await table.head();
          const keys = keysOf(own);
          const expected = new Map<RowKey, StoredRow>();
          let head = first;
          for (const { plans, behind } of edits) {
            const changes = plans.map(({ level, plan }) =>
              put(`${level}#${own}`, plan === null ? null : aSubjectRow({ plan })),
            );
            const stale = behind > 0 && head - behind >= first;
            const answer = await table.commit(aChange(changes), stale ? head - behind : head);
            expect(answer.committed).toBe(!stale);
            if (stale) continue;
            head += 1;
            fold(expected, [{ rows: changes }]);
          }
          expect(await table.rows(keys)).toEqual({ revision: head, rows: expected });
          const log = await table.changesAfter(first, 100);
          expect(log.map(({ revision }) => revision)).toEqual(log.map((_, n) => first + n + 1));
          expect(fold(new Map(), log)).toEqual(expected);
        }),
        { numRuns: 40 },
      );
    });
  });

  describe(`the rows of a routing table (${name})`, () => {
    test("rows of every kind come back as they were", async () => {
      const { table, first, own } = await openTable();
      const rows = new Map<RowKey, StoredRow>([
        [`project#${own}`, aSubjectRow({ customer: "acme", cohorts: ["staff"], pins: { billing: aPin() } })],
        [`customer#${own}`, aSubjectRow({ plan: "paid / monthly" })],
        [`source#${own}`, { source: own, customer: "detail.repository.owner.login" }],
        [
          `component#${own}`,
          aComponent({
            name: own,
            pattern: { source: ["shop"], detail: { "a.b": [{ "anything-but": { prefix: "é" } }, null, 1.5] } },
            rollout: { alias: "beta", basisPoints: 500, by: "customer", salt: "s" },
          }),
        ],
      ]);
      await table.commit(aChange([...rows].map(([key, row]) => put(key, row))), first);
      expect(await table.rows([...rows.keys()])).toStrictEqual({ revision: first + 1, rows });
      await table.commit(aChange([put(`component#${own}`, null)]), first + 1);
    });

    test("are the ones asked for, and only those that are there", async () => {
      const { table, first, own } = await openTable();
      const keys = Array.from({ length: 150 }, (_, n): RowKey => `project#${own}/${n}`);
      const even = keys.filter((_, n) => n % 2 === 0);
      await table.commit(aChange(even.map((key) => put(key, aSubjectRow({ customer: key })))), first);
      const { rows } = await table.rows([...keys, ...keys.slice(0, 3)]);
      expect(new Set(rows.keys())).toEqual(new Set(even));
      for (const key of even) expect(rows.get(key)).toEqual(aSubjectRow({ customer: key }));
      expect(await table.rows([])).toEqual({ revision: first + 1, rows: new Map() });
    });

    test("are all as of the revision that is told, while another process commits", async () => {
      const { table, another, first, own } = await openTable();
      const other = await another();
      const [a, b] = keysOf(own);
      const component: RowKey = `component#${own}`;
      let busy = true;
      const writing = (async () => {
        for (let n = 0; n < 40; n++) {
          const row = aSubjectRow({ plan: `${first + n + 1}` });
          const named = aComponent({ name: own, timeoutMs: first + n + 1 });
          await other.commit(aChange([put(a, row), put(b, row), put(component, named)]), first + n);
        }
        busy = false;
      })();
      while (busy) {
        await nextTurn();
        const { revision, rows } = await table.rows([a, b]);
        const listed = await table.components();
        if (revision === first) continue;
        for (const key of [a, b]) expect(rows.get(key)).toEqual(aSubjectRow({ plan: `${revision}` }));
        expect(listed.components.find((found) => found.name === own)?.timeoutMs).toBe(listed.revision);
      }
      await writing;
      await other.commit(aChange([put(component, null)]), first + 40);
    });
  });

  describe(`all rows of a routing table (${name})`, () => {
    const listed = async (table: RoutingTable, own: string) =>
      (await Array.fromAsync(table.allRows())).filter(({ key }) => key.includes(own) || key.startsWith("settings#"));

    test("are listed, of every kind, each once and the subjects last", async () => {
      const { table, first, own } = await openTable();
      const rows = new Map<RowKey, StoredRow>([
        ["settings#guardrails", { protectedSubjects: [`customer#${own}`], expiryRequiredFor: [] }],
        ["settings#cohorts", { staff: { description: own, who: "ada", at: "2026-11-20T10:00:00.000Z" } }],
        [`component#${own}`, aComponent({ name: own })],
        [`source#${own}`, { source: own }],
        [`source#${own}.b`, { source: `${own}.b` }],
        [`project#${own}`, aSubjectRow({ customer: own })],
        [`project#${own}é#/$`, aSubjectRow({ customer: own })],
        [`customer#${own}`, aSubjectRow({ plan: own })],
        [`plan#${own}`, aSubjectRow({ pins: { billing: aPin() } })],
      ]);
      await table.commit(aChange([...rows].map(([key, row]) => put(key, row))), first);
      const found = await listed(table, own);
      expect(found).toHaveLength(rows.size);
      expect(new Map(found.map(({ key, row }) => [key, row]))).toStrictEqual(rows);
      const isSubject = found.map(({ key }) => subjectLevels.some((level) => key.startsWith(`${level}#`)));
      expect(isSubject).toEqual(isSubject.toSorted());
      await table.commit(aChange([...rows.keys()].map((key) => put(key, null))), first + 1);
      expect(await listed(table, own)).toEqual([]);
    });
  });

  describe(`the components of a routing table (${name})`, () => {
    test("are listed by name, with the revision", async () => {
      const { table, first } = await openTable();
      const prefix = `t${randomUUID().slice(0, 8)}`;
      const names = ["", "-a", "-b", "-b-c", "0", "b"].map((rest) => prefix + rest);
      const rows = names.map((component) => put(`component#${component}`, aComponent({ name: component })));
      const decoys = [
        put(`source#component#${prefix}`, { source: `component#${prefix}` }),
        put(`project#${prefix}`, aSubjectRow()),
      ];
      await table.commit(aChange([...rows.toReversed(), ...decoys]), first);
      const { revision, components } = await table.components();
      expect(revision).toBe(first + 1);
      expect(components.map((found) => found.name)).toEqual(components.map((found) => found.name).toSorted());
      expect(components.filter((found) => found.name.startsWith(prefix))).toEqual(
        names.toSorted().map((component) => aComponent({ name: component })),
      );
      await table.commit(aChange(rows.map(({ key }) => put(key, null))), first + 1);
      const left = (await table.components()).components.filter((found) => found.name.startsWith(prefix));
      expect(left).toEqual([]);
    });
  });

  describe(`what is stored in a routing table (${name})`, () => {
    test("is what was committed, for every row that is accepted", async () => {
      const { table, own } = await openTable();
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyAcceptedRow(own), { minLength: 1, maxLength: 8 }),
          someWords,
          async (accepted, words) => {
            const rows = new Map(accepted);
            const head = await table.head();
            const committed = { ...aChange([...rows].map(([key, row]) => put(key, row))), ...words };
            expect(await table.commit(committed, head)).toMatchObject({ committed: true });
            expect((await table.rows([...rows.keys()])).rows).toEqual(rows);
            expect(await table.changesAfter(head, 1)).toEqual([{ ...committed, revision: head + 1 }]);
            const { components } = await table.components();
            for (const [key, row] of rows) if (key.startsWith("component#")) expect(components).toContainEqual(row);
          },
        ),
        { numRuns: 40 },
      );
      await removeAll(table, own);
    });

    test.each([
      ["a number that JSON doesn't have", { "anything-but": Number.POSITIVE_INFINITY }],
      ["an operator that there is none of", { prefiks: "a" }],
    ])("is never a row that could not be read back: %s", async (_, operator) => {
      const { table, first, own } = await openTable();
      const pattern = { source: [operator] };
      const refused = aChange([put(`component#t${own}`, aComponent({ name: `t${own}`, pattern }))]);
      await expect(table.commit(refused, first)).rejects.toThrow(
        /could not be read back once it is stored.*Nothing was/,
      );
      expect(await table.head()).toBe(first);
    });
  });

  describe(`a damaged row of a routing table (${name})`, () => {
    const broken = '{"name":"t","pattern":null}';

    test("stands in the place of its row, and spoils no other", async () => {
      const { table, first, own, damage } = await openTable();
      const [whole, bad] = [`t${own.slice(0, 8)}-a`, `t${own.slice(0, 8)}-b`];
      const keys = [`component#${bad}`, `project#${own}`, `source#${own}`] as const;
      const rows = [
        put(`component#${whole}`, aComponent({ name: whole })),
        put(keys[0], aComponent({ name: bad })),
        put(keys[1], aSubjectRow({ customer: "acme" })),
        put(keys[2], { source: own }),
      ];
      await table.commit(aChange(rows), first);
      for (const key of keys) await damage(key, broken);

      const found = await table.rows([`component#${whole}`, ...keys]);
      expect(found.rows.get(`component#${whole}`)).toEqual(aComponent({ name: whole }));
      for (const key of keys) expect(found.rows.get(key)).toMatchObject({ problem: expect.any(String), text: broken });
      const { components, unreadable } = await table.components();
      expect(components.filter((one) => one.name.startsWith(`t${own.slice(0, 8)}`))).toHaveLength(1);
      expect(unreadable).toMatchObject([{ name: bad, row: { text: broken } }]);
      const listed = await Array.fromAsync(table.subjects("project"));
      expect(listed.filter(({ id }) => id === own)).toMatchObject([{ row: { text: broken } }]);
      const all = await Array.fromAsync(table.allRows());
      expect(all.filter(({ row }) => row instanceof UnreadableRow).map(({ key }) => key)).toEqual(
        [...keys].sort(byKind),
      );

      await table.commit(aChange(rows.map(({ key }) => put(key, null))), first + 1);
      expect((await table.rows(keys)).rows.size).toBe(0);
    });

    test.each(["", "nul", '"text"', "[]", "{}", broken])("may be any text, such as %j", async (text) => {
      const { table, first, own, damage } = await openTable();
      const key = `customer#${own}` as const;
      await table.commit(aChange([put(key, aSubjectRow({ plan: "paid" }))]), first);
      await damage(key, text);
      const { rows } = await table.rows([key]);
      const isWhole = text === "{}";
      expect(rows.get(key)).toEqual(isWhole ? aSubjectRow() : expect.objectContaining({ text }));
      await table.commit(aChange([change(key, rows.get(key) ?? null, aSubjectRow())]), first + 1);
      expect((await table.rows([key])).rows.get(key)).toEqual(aSubjectRow());
      const [entry] = await table.changesAfter(first + 1, 1);
      if (!isWhole && text !== '"text"') expect(entry?.rows[0]?.before).toMatchObject({ text });
    });
  });

  describe(`a damaged entry of the change log (${name})`, () => {
    test.each(["", "null", "[]", '{"revision":1}'])("is listed as one that can't be read: %j", async (text) => {
      const { table, first, own, damage } = await openTable();
      for (const n of [0, 1, 2]) {
        await table.commit(aChange([put(`customer#${own}`, aSubjectRow({ plan: String(n) }))]), first + n);
      }
      await damage(first + 2, text);
      const log = await table.changesAfter(first, 10);
      expect(log.map(({ revision }) => revision)).toEqual([first + 1, first + 2, first + 3]);
      expect(log.map(({ unreadable }) => unreadable)).toEqual([undefined, expect.any(String), undefined]);
      expect(log[1]?.rows).toEqual([]);
    });
  });

  describe(`the subjects of a routing table (${name})`, () => {
    const ids = [
      "",
      "#",
      "##x",
      "$",
      "$1",
      "%",
      " ",
      "  x",
      "/",
      "a/b",
      "a#b",
      ":",
      "é",
      "e\u0301",
      "日本",
      "😀",
      "\uffff",
    ];

    test("are all listed under their own level, whatever stands in their ids", async () => {
      const { table, first, own } = await openTable();
      const odd = [...ids.map((id) => own + id), ...ids.filter((id) => id !== "").map((id) => id + own)];
      const levels = ["project", "customer", "plan", "component", "source"].map((word) => `${word}#${own}`);
      const all = [...odd, ...levels];
      let head = first;
      for (const level of subjectLevels) {
        const row = (id: string) => put(`${level}#${id}`, aSubjectRow({ cohorts: [level] }));
        await table.commit(aChange(all.map(row)), head++);
      }
      await table.commit(aChange([put(`source#${own}`, { source: own })]), head);
      for (const level of subjectLevels) {
        const found = (await Array.fromAsync(table.subjects(level))).filter(({ id }) => id.includes(own));
        expect(found.map(({ id }) => id)).toEqual(byBytes(all));
        for (const { row } of found) expect(row).toEqual(aSubjectRow({ cohorts: [level] }));
        for (const beginning of [own, `${own}#`, `${own}e`, `${own}😀`, `%${own}`, `${own}nobody`]) {
          const begun = (await Array.fromAsync(table.subjects(level, beginning))).map(({ id }) => id);
          expect(begun).toEqual(byBytes(all.filter((id) => id.startsWith(beginning))));
        }
      }
    });

    test("are all listed when there are more than a page of them, each once", async () => {
      const { table, first, own } = await openTable();
      const all = Array.from({ length: 1_201 }, (_, n) => `${own}${ids[n % ids.length]}${n}`);
      const rowOf = (id: string) => aSubjectRow({ customer: [...id].reverse().join("") });
      for (let n = 0, head = first; n < all.length; n += MAX_ROWS_PER_CHANGE, head++) {
        const part = all.slice(n, n + MAX_ROWS_PER_CHANGE);
        await table.commit(aChange(part.map((id) => put(`project#${id}`, rowOf(id)))), head);
      }
      const found = await Array.fromAsync(table.subjects("project", own));
      expect(found.map(({ id }) => id)).toEqual(byBytes(all));
      for (const { id, row } of found) expect(row).toEqual(rowOf(id));
    });

    test("can be left before their end, and changed on the way", async () => {
      const { table, another, first, own } = await openTable();
      const keys = ["a", "b", "c"].map((id): SubjectKey => `plan#${own}${id}`);
      await table.commit(aChange(keys.map((key) => put(key, aSubjectRow()))), first);
      for await (const { id } of table.subjects("plan")) {
        expect(await (await another()).commit(aChange([put(`plan#${id}`, aSubjectRow())]), first + 1)).toMatchObject({
          committed: true,
        });
        break;
      }
      expect(await table.head()).toBe(first + 2);
    });
  });
}

/** One key of each level. */
function keysOf(own: string): [SubjectKey, SubjectKey, SubjectKey, SubjectKey] {
  return [`project#${own}`, `customer#${own}`, `plan#${own}`, `user#${own}`];
}

/** Some rows set or taken away, on the newest revision or on one that is so many behind. */
/** Who, why and how, in words of any kind. */
const someWords = fc.record({ who: anyText, why: anyText, command: anyText }, { noNullPrototype: true });

const anEdit = fc.record({
  plans: fc.uniqueArray(
    fc.record({ level: fc.constantFrom(...subjectLevels), plan: fc.option(fc.constantFrom("free", "paid")) }),
    { selector: ({ level }) => level, maxLength: 3 },
  ),
  behind: fc.constantFrom(0, 0, 0, 1, 3),
});

function aChange(rows: RowChange[], about: Partial<RoutingChange> = {}): RoutingChange {
  const said = { who: "ada", why: "a test", command: "turnout pin", ...about };
  return { changeId: randomUUID(), at, ...said, rows };
}

function change(key: RowKey, before: StoredRow | null, after: StoredRow | null): RowChange {
  return { key, before, after };
}

/** A row change where the test doesn't care what was there before. */
function put(key: RowKey, after: StoredRow | null): RowChange {
  return change(key, null, after);
}

/** Changes one row as an operator does: on the newest rows, and again when somebody else came first. */
async function commitOnNewest(
  table: RoutingTable,
  key: SubjectKey,
  next: (row: SubjectRow | undefined) => SubjectRow,
): Promise<void> {
  const changeId = randomUUID();
  for (;;) {
    const { revision, rows } = await table.rows([key]);
    const row = rows.get(key) as SubjectRow | undefined;
    const answer = await table.commit(aChange([change(key, row ?? null, next(row))], { changeId }), revision);
    if (answer.committed) return;
    expect(answer.head).toBeGreaterThan(revision);
    expect(answer.winner.revision).toBe(revision + 1);
    expect(answer.winner.changeId).not.toBe(changeId);
  }
}

function fold(rows: Map<RowKey, StoredRow>, log: readonly Pick<ChangeLogEntry, "rows">[]): Map<RowKey, StoredRow> {
  for (const { key, after } of log.flatMap((entry) => entry.rows)) {
    if (after === null) rows.delete(key);
    else rows.set(key, after);
  }
  return rows;
}

/** As the bytes of their UTF-8 sort; JavaScript sorts by UTF-16. */
function byBytes(texts: readonly string[]): string[] {
  return texts.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

const kinds = ["component", "source", "project"];

/** In the order in which all rows are listed here. */
function byKind(a: RowKey, b: RowKey): number {
  return kinds.findIndex((kind) => a.startsWith(kind)) - kinds.findIndex((kind) => b.startsWith(kind));
}

/** What `anyAcceptedRow` has left would be listed to other tests. */
async function removeAll(table: RoutingTable, own: string): Promise<void> {
  const { components } = await table.components();
  const names = components.map((component) => component.name).filter((found) => found.includes(own.slice(0, 8)));
  if (names.length === 0) return;
  await table.commit(aChange(names.map((found) => put(`component#${found}`, null))), await table.head());
}
