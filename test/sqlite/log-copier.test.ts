import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type DatabaseOptions, openDatabase } from "../../shared/sqlite/database.ts";
import { logCopier, mayCopyBeside } from "../../shared/sqlite/log-copier.ts";
import { nextTurn } from "../support/port-calls.ts";
import { temporaryFolder } from "../support/tmp.ts";

function open(options: DatabaseOptions = {}, path = join(temporaryFolder(), "state.db")) {
  const database = openDatabase(path, options);
  onTestFinished(() => database.close());
  database.connection.exec("CREATE TABLE notes (text TEXT NOT NULL) STRICT");
  const insert = database.connection.prepare("INSERT INTO notes (text) VALUES (?)");
  return { path, database, add: (text: string) => database.write(() => void insert.run(text)) };
}

function copierOf(path: string) {
  const copier = logCopier(path);
  onTestFinished(() => copier.close());
  return copier;
}

/** A copier whose copies end when the test says so, with the number of pages that it says. */
function aCopier() {
  const copies: ((pages: number) => void)[] = [];
  return {
    copies,
    copy: () => new Promise<number>((resolve) => void copies.push(resolve)),
    close: () => {},
  };
}

const LONG = 10_000;

test("logCopier answers how long the log is, which begins anew once it was copied while nobody wrote", async () => {
  const { path, add } = open();
  const copier = copierOf(path);
  await add("long".repeat(100_000));
  expect(await copier.copy()).toBeGreaterThan(90);
  await add("short");
  expect(await copier.copy()).toBeLessThan(10);
});

test("logCopier answers 0 where there is nothing that it could copy, and copies the next time", async () => {
  const { path, add } = open();
  const nowhere = copierOf(join(path, "nowhere.db"));
  expect([await nowhere.copy(), await nowhere.copy()]).toEqual([0, 0]);
  const copier = copierOf(path);
  await add("short");
  expect(await copier.copy()).toBeGreaterThan(0);
});

test("logCopier keeps the process while it is waited for, and no longer", () => {
  const path = join(temporaryFolder(), "state.db");
  const module = new URL("../../shared/sqlite/log-copier.ts", import.meta.url).href;
  const program = `import { logCopier } from ${JSON.stringify(module)};
    console.log(await logCopier(${JSON.stringify(path)}).copy() >= -1 ? "answered" : "");`;
  const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", program]);
  expect([String(stdout), status]).toEqual(["answered\n", 0]);
});

test("logCopier answers a copy that is under way when it is closed", async () => {
  const { path } = open();
  const copier = logCopier(path);
  const copying = copier.copy();
  copier.close();
  expect(await copying).toBeGreaterThanOrEqual(0);
});

test("openDatabase goes on writing while its log is copied", async () => {
  const copier = aCopier();
  const { add } = open({ copier });
  await add("a");
  expect(copier.copies).toHaveLength(1);
  await add("b");
  await add("c");
  expect(copier.copies).toHaveLength(1);
});

test("openDatabase has a long log copied once more with nobody writing, so that it can begin anew", async () => {
  const copier = aCopier();
  const { add } = open({ copier, waitForDisk: { wait: async () => {}, close: () => {} } });
  await add("a");
  copier.copies[0]?.(LONG);
  await add("b");
  await expect.poll(() => copier.copies.length).toBe(2);
  const answered: string[] = [];
  const waiting = add("c").then(() => answered.push("c"));
  // Otherwise a write takes two.
  for (let turn = 0; turn < 10; turn++) await nextTurn();
  expect(answered).toEqual([]);
  copier.copies[1]?.(LONG);
  await waiting;
  expect(copier.copies).toHaveLength(2);
});

test("openDatabase leaves a short log as it is", async () => {
  const copier = aCopier();
  const { add } = open({ copier });
  await add("a");
  copier.copies[0]?.(10);
  for (const text of ["b", "c", "d"]) await add(text);
  expect(copier.copies).toHaveLength(1);
});

test("openDatabase copies nothing once it is closed", async () => {
  const copier = aCopier();
  const path = join(temporaryFolder(), "state.db");
  const database = openDatabase(path, { copier });
  database.connection.exec("CREATE TABLE notes (text TEXT NOT NULL) STRICT");
  const adding = database.write(() => database.connection.exec("INSERT INTO notes (text) VALUES ('a')"));
  setImmediate(() => database.close());
  await adding.catch(() => {});
  expect(copier.copies).toEqual([]);
});

test.each([
  ["3.49.1", false],
  ["3.50.7", false],
  ["3.51.2", false],
  ["3.51.3", true],
  ["3.52.0", true],
  ["3.53.4", true],
  ["4.0.0", true],
  ["", false],
])("mayCopyBeside of SQLite %s is %s", (version, may) => {
  expect(mayCopyBeside(version)).toBe(may);
});
