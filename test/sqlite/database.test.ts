import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { LAYOUT, NewerLayout } from "../../shared/domain/layout.ts";
import { type Database, openDatabase } from "../../shared/sqlite/database.ts";
import { onOtherThread } from "../support/other-thread.ts";
import { nextTurn } from "../support/port-calls.ts";
import { temporaryFolder } from "../support/tmp.ts";

type Notes = { path: string; database: Database; add: (text: string) => Promise<number>; all: () => string[] };

/** A database with a table of notes. `add` answers how many there are then. */
function open(path = ":memory:", options: Parameters<typeof openDatabase>[1] = {}): Notes {
  const database = openDatabase(path, options);
  onTestFinished(() => void (database.connection.isOpen && database.close()));
  const { connection } = database;
  connection.exec("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT");
  const insert = connection.prepare("INSERT INTO notes (text) VALUES (?)");
  const select = connection.prepare("SELECT text FROM notes ORDER BY id");
  const all = () => select.all().map((row) => String(row.text));
  const add = (note: string) => database.write(() => Number(insert.run(note).changes) * all().length);
  return { path, database, add, all };
}

const onDisk = () => open(join(temporaryFolder(), "state.db"));

/** A connection that isn't ours, as another program would have it. */
function connect(path: string): DatabaseSync {
  const connection = new DatabaseSync(path);
  onTestFinished(() => void (connection.isOpen && connection.close()));
  return connection;
}

describe("writes asked for in one turn", () => {
  test("are done in order, and each has its own answer", async () => {
    const { add, all } = open();
    expect(await Promise.all([add("a"), add("b"), add("c")])).toEqual([1, 2, 3]);
    expect(all()).toEqual(["a", "b", "c"]);
  });

  test("are seen by another process all at once", async () => {
    const { path, database, add } = onDisk();
    const count = connect(path).prepare("SELECT count(*) AS notes FROM notes");
    const seen = () => Number(count.get()?.notes);
    const adding = [add("a")];
    // Later in the turn, as the next request that arrived in it.
    await Promise.resolve();
    adding.push(add("b"));
    const meanwhile = database.write(seen);
    adding.push(add("c"));
    expect(await meanwhile).toBe(0);
    await Promise.all(adding);
    expect(seen()).toBe(3);
  });

  test("are not spoiled by one that fails, whatever it had done before", async () => {
    const { database, add, all } = open();
    await add("there");
    const failing = database.write(() => {
      database.connection.exec("INSERT INTO notes (text) VALUES ('half')");
      database.connection.exec("INSERT INTO notes (text) VALUES ('there')");
    });
    const throwing = database.write(() => {
      database.connection.exec("INSERT INTO notes (text) VALUES ('other half')");
      throw new RangeError("not mine");
    });
    const answers = await Promise.allSettled([add("a"), failing, add("b"), throwing, add("c")]);
    expect(answers.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(all()).toEqual(["there", "a", "b", "c"]);
    await expect(failing).rejects.toThrow(/UNIQUE/);
    await expect(throwing).rejects.toThrow(new RangeError("not mine"));
  });

  test("may ask for more, which come after them", async () => {
    const { add, all } = open();
    const chained = add("a").then(() => add("c"));
    await Promise.all([chained, add("b")]);
    expect(all()).toEqual(["a", "b", "c"]);
  });
});

describe("a state file's next transaction", () => {
  /** Whether a write and one that is asked for a turn later share a transaction, after one that carried so many. */
  async function isShared(writes: number): Promise<boolean> {
    const { path, database, add } = open(join(temporaryFolder(), "state.db"), { waitForDisk: AT_ONCE });
    const count = connect(path).prepare("SELECT count(*) AS notes FROM notes");
    await Promise.all(Array.from({ length: writes }, (_, n) => add(`before ${n}`)));
    const first = add("first");
    await nextTurn();
    const committed = await database.write(() => Number(count.get()?.notes));
    await first;
    return committed === writes;
  }

  test("waits a little for more, where the last one carried several writes", async () => {
    // A machine that stands still for 2 ms may miss it now and then.
    const rounds = [];
    for (let round = 0; round < 20; round++) rounds.push(await isShared(2));
    expect(rounds).toContain(true);
  });

  test("carries all that were asked for while the last one was put on disk", async () => {
    const disk = aDisk();
    const { path, database, add } = open(join(temporaryFolder(), "state.db"), { waitForDisk: disk });
    const count = connect(path).prepare("SELECT count(*) AS notes FROM notes");
    const first = add("first");
    await disk.asked(1);
    const second = add("second");
    await nextTurn();
    const committed = database.write(() => Number(count.get()?.notes));
    disk.end();
    await first;
    await disk.asked(2);
    disk.end();
    expect(await committed).toBe(1);
    await second;
  });

  test("begins at once, where the last one carried a single write", async () => {
    expect(await isShared(1)).toBe(false);
  });

  test("is refused when the file is closed while it waits", async () => {
    const { path, database, add } = onDisk();
    await Promise.all([add("a"), add("b")]);
    const waiting = add("c");
    database.close();
    await expect(waiting).rejects.toThrow("The state file was closed.");
    expect(open(path).all()).toEqual(["a", "b"]);
  });
});

describe("a state file", () => {
  test("has what was written when it is opened again", async () => {
    const { path, database, add } = onDisk();
    await add("kept");
    database.close();
    expect(open(path).all()).toEqual(["kept"]);
  });

  test("answers a write once its log is on disk, and not before", async () => {
    const disk = aDisk();
    const { path, add } = open(join(temporaryFolder(), "state.db"), { waitForDisk: disk });
    const answered: string[] = [];
    const first = add("first").then(() => answered.push("first"));
    await disk.asked(1);
    const second = add("second").then(() => answered.push("second"));
    expect(connect(path).prepare("SELECT text FROM notes").all()).toHaveLength(1);
    expect(answered).toEqual([]);
    disk.end();
    await first;
    await disk.asked(2);
    expect(answered).toEqual(["first"]);
    disk.end();
    await second;
  });

  test("takes nothing any more once the disk has failed", async () => {
    const disk = aDisk();
    const path = join(temporaryFolder(), "state.db");
    const { database, add } = open(path, { waitForDisk: disk });
    const failing = add("maybe");
    await disk.asked(1);
    const queued = add("after it");
    disk.end(new Error("EIO: i/o error, fdatasync"));
    const told = {
      message: `The state file ${path} could not be put on disk (EIO: i/o error, fdatasync).`,
      remedies: ["check the disk and restart the server (nothing that was acknowledged is lost)"],
    };
    for (const write of [failing, queued, add("later")]) await expect(write).rejects.toMatchObject(told);
    expect(database.trouble()).toMatchObject(told);
  });

  test("syncs the write-ahead log itself", async () => {
    const { path, database, add } = onDisk();
    expect({ ...database.connection.prepare("PRAGMA journal_mode").get() }).toEqual({ journal_mode: "wal" });
    await add("a");
    const open = readdirSync("/proc/self/fd").flatMap((fd) => linkAt(`/proc/self/fd/${fd}`));
    // SQLite's own, and the one that is waited for.
    expect(open.filter((name) => name === `${path}-wal`)).toHaveLength(2);
    database.close();
    await expect
      .poll(() => readdirSync("/proc/self/fd").flatMap((fd) => linkAt(`/proc/self/fd/${fd}`)))
      .not.toContain(`${path}-wal`);
  });

  test("can be opened while another process is making it", async () => {
    const path = join(temporaryFolder(), "state.db");
    const release = await holdElsewhere(path);
    release();
    expect(open(path).all()).toHaveLength(THEIRS);
  });

  test("can be made by several processes at the same moment", async () => {
    const folder = temporaryFolder();
    const turns = new Int32Array(new SharedArrayBuffer(4));
    const openers = Array.from({ length: 2 }, () =>
      onOtherThread<string[]>(
        `const { openDatabase } = await load("shared/sqlite/database.ts");
         const problems = [];
         for (let file = 0; file < 20; file++) {
           // Neither opens a file before both have come to it.
           Atomics.add(data.turns, 0, 1);
           while (Atomics.load(data.turns, 0) < (file + 1) * 2);
           try {
             const database = openDatabase(data.folder + "/" + file + ".db");
             database.connection.exec("CREATE TABLE IF NOT EXISTS notes (text TEXT) STRICT");
             await database.write(() => database.connection.exec("INSERT INTO notes VALUES ('here')"));
             database.close();
           } catch (error) {
             problems.push(file + ": " + error.message);
           }
         }
         return problems;`,
        { folder, turns },
      ),
    );
    expect(await Promise.all(openers)).toEqual([[], []]);
    const count = connect(join(folder, "19.db")).prepare("SELECT count(*) AS notes FROM notes");
    expect(count.get()?.notes).toBe(2);
  });

  test("keeps everything that was acknowledged when the process is killed", async () => {
    const { path, all } = onDisk();
    const child = startChild(
      `const { openDatabase } = await load("shared/sqlite/database.ts");
       const { connection, write } = openDatabase(process.argv[1]);
       const insert = connection.prepare("INSERT INTO notes (text) VALUES (?)");
       const writer = async (name) => {
         for (let n = 0; ; n++) {
           const note = name + n;
           await write(() => insert.run(note));
           process.stdout.write(note + "\\n");
         }
       };
       await Promise.all(["a", "b", "c", "d"].map(writer));`,
      [path],
    );
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      if (output.length > 5_000) child.kill("SIGKILL");
    });
    expect(await once(child, "close")).toEqual([null, "SIGKILL"]);
    // What comes after the last line end was cut off, or is nothing.
    const acknowledged = output.split("\n").slice(0, -1);
    expect(acknowledged.length).toBeGreaterThan(1_000);
    expect(new Set(acknowledged).difference(new Set(all()))).toEqual(new Set());
  });
});

describe("a write while another process is writing", () => {
  test("waits until it has finished", async () => {
    const { path, database, all } = onDisk();
    const release = await holdElsewhere(path);
    const waiting = database.write(() => all().length);
    release();
    expect(await waiting).toBe(THEIRS);
  });

  test("fails with the reason when it waited for too long, all writes of the turn together", async () => {
    const { path, database, add, all } = onDisk();
    database.connection.exec("PRAGMA busy_timeout = 100");
    const other = connect(path);
    other.exec("BEGIN IMMEDIATE");
    const begun = performance.now();
    const answers = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => add(`${n}`)));
    // Had each of them waited, it would be 10 s.
    expect(performance.now() - begun).toBeLessThan(5_000);
    for (const answer of answers) expect(answer).toMatchObject({ status: "rejected", reason: { kind: "failed" } });
    await expect(add("one more")).rejects.toMatchObject({
      message: `The state file ${path} is busy: another process has been writing for too long (database is locked).`,
      remedies: ["try again", "end the process that holds it"],
    });
    other.exec("ROLLBACK");
    expect(await add("mine")).toBe(1);
    expect(all()).toEqual(["mine"]);
  });

  test("doesn't keep this one from reading", async () => {
    const { path, add, all } = onDisk();
    await add("there");
    const other = connect(path);
    other.exec("BEGIN IMMEDIATE; INSERT INTO notes (text) VALUES ('not yet')");
    expect(all()).toEqual(["there"]);
    other.exec("COMMIT");
    expect(all()).toEqual(["there", "not yet"]);
  });
});

describe("a full disk", () => {
  test("fails the writes that don't fit, and takes the others and later ones", async () => {
    const { path, database, add, all } = onDisk();
    await add("before");
    const { connection } = database;
    connection.exec(`PRAGMA max_page_count = ${Number(connection.prepare("PRAGMA page_count").get()?.page_count) + 1}`);
    const answers = await Promise.allSettled([add("small"), add("x".repeat(50_000)), add("also small")]);
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    const failing = add("x".repeat(50_000));
    await expect(failing).rejects.toThrow(TurnoutError);
    await expect(failing).rejects.toMatchObject({
      message: `The state file ${path} can't grow: the disk is full (database or disk is full).`,
      remedies: ["free some space (nothing that was acknowledged is lost)"],
    });
    expect(database.trouble()?.message).toContain("the disk is full");
    expect(all()).toEqual(["before", "small", "also small"]);
    connection.exec("PRAGMA max_page_count = 1000");
    expect(await add("y".repeat(50_000))).toBe(4);
    expect(database.trouble()).toBeUndefined();
  });
});

describe("opening", () => {
  test("refuses a file of a newer layout, and leaves it as it is", () => {
    const path = join(temporaryFolder(), "state.db");
    const newer = connect(path);
    newer.exec(`PRAGMA user_version = ${LAYOUT + 1}; CREATE TABLE things (text TEXT)`);
    newer.close();
    const before = readFileSync(path);
    expect(() => openDatabase(path)).toThrow(new NewerLayout(`The state file ${path}`, LAYOUT + 1));
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("marks the file with its layout", () => {
    const { path } = onDisk();
    expect({ ...connect(path).prepare("PRAGMA user_version").get() }).toEqual({ user_version: LAYOUT });
  });

  test.each([
    ["isn't a database", "is not a Turnout state file", (path: string) => writeFileSync(path, "notes\n".repeat(1_000))],
    ["is a folder", "can't be opened", (path: string) => void mkdirSync(path)],
    ["is in no folder", "can't be opened", () => {}, "no/such/state.db"],
  ])("refuses a path that %s", (_what, told, make, name = "state.db") => {
    const path = join(temporaryFolder(), name);
    make(path);
    expect(() => openDatabase(path)).toThrow(TurnoutError);
    expect(() => openDatabase(path)).toThrow(`The state file ${path} ${told}`);
  });

  test.each([
    [
      "a folder that can't be written",
      (folder: string) => chmodSync(folder, 0o555),
      /can't be opened .*\["check that the folder exists and may be written","set TURNOUT_HOME to another one"\]/,
    ],
    [
      "a file that can't be written",
      (folder: string, path: string) => {
        connect(path).exec(`PRAGMA user_version = ${LAYOUT}; CREATE TABLE notes (text TEXT)`);
        chmodSync(path, 0o444);
        chmodSync(folder, 0o555);
      },
      /can't be written .*permissions of the folder/,
    ],
  ])("refuses %s", async (_what, make, told) => {
    const folder = temporaryFolder();
    onTestFinished(() => chmodSync(folder, 0o755));
    const path = join(folder, "state.db");
    make(folder, path);
    // To root no file is read-only.
    const child = startChild(
      `const { openDatabase } = await load("shared/sqlite/database.ts");
       try { openDatabase(process.argv[1]); } catch (error) { process.stdout.write(error.kind + ": " + error.message + JSON.stringify(error.remedies)); }`,
      [path],
      process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {},
    );
    const output = await text(child.stdout);
    expect(output).toMatch(/^failed: The state file /);
    expect(output).toContain(path);
    expect(output).toMatch(told);
  });

  test("finds out with the first write that the file has become read-only", async () => {
    const { path, database, add } = onDisk();
    database.connection.exec("PRAGMA query_only = ON");
    await expect(add("never")).rejects.toThrow(`The state file ${path} can't be written`);
    database.connection.exec("PRAGMA query_only = OFF");
    expect(await add("now")).toBe(1);
  });
});

describe("closing", () => {
  test("refuses the writes that are still queued, and those asked for later", async () => {
    const { path, database, add } = onDisk();
    await add("done");
    const queued = [add("queued"), add("queued too")];
    database.close();
    const closed = new TurnoutError("failed", "The state file was closed.");
    for (const write of queued) await expect(write).rejects.toThrow(closed);
    await expect(add("late")).rejects.toThrow(closed);
    expect(open(path).all()).toEqual(["done"]);
  });
});

/** A disk that takes its time: each wait lasts until it is ended. */
function aDisk() {
  let waits = 0;
  let ended = Promise.withResolvers<void>();
  return {
    wait() {
      waits += 1;
      ended = Promise.withResolvers();
      return ended.promise;
    },
    close() {},
    asked: (times: number) => expect.poll(() => waits).toBe(times),
    end: (error?: Error) => (error === undefined ? ended.resolve() : ended.reject(error)),
  };
}

/** A disk that takes no time. */
const AT_ONCE = { wait: async () => {}, close() {} };

function linkAt(path: string): string[] {
  try {
    return [readlinkSync(path)];
  } catch {
    // Closed meanwhile.
    return [];
  }
}

/** How many notes the other process adds before it lets go of the file: enough for us to come to its lock meanwhile. */
const THEIRS = 50_000;

/** Has another process hold the file for writing. Returns what makes it write its notes, commit and end. */
async function holdElsewhere(path: string): Promise<() => void> {
  const child = startChild(
    `const { DatabaseSync } = await import("node:sqlite");
     const connection = new DatabaseSync(process.argv[1]);
     connection.exec("PRAGMA user_version = ${LAYOUT}");
     connection.exec("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT");
     connection.exec("BEGIN IMMEDIATE");
     process.stdout.write("held");
     process.stdin.once("data", () => {
       const insert = connection.prepare("INSERT INTO notes (text) VALUES (?)");
       for (let n = 0; n < ${THEIRS}; n++) insert.run("theirs " + n);
       connection.exec("COMMIT");
       process.exit();
     });`,
    [path],
  );
  await once(child.stdout, "data");
  return () => void child.stdin.write("go on");
}

/** Runs code of an ES module in a process of its own; `load("shared/…")` imports a file of this repository. */
function startChild(code: string, args: string[], identity: { uid?: number; gid?: number } = {}) {
  const root = new URL("../../", import.meta.url).href;
  const load = `const load = (path) => import(new URL(path, ${JSON.stringify(root)}).href);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", `${load}\n${code}`, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
    ...identity,
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}
