import { mkdirSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { startRuntime } from "../../scripts/embedded/runtime.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { quickCheck } from "../../shared/sqlite/quick-check.ts";
import { aComponent } from "../support/builders.ts";
import { aCli } from "../support/cli-process.ts";
import { putRows } from "../support/router.ts";
import { temporaryFolder } from "../support/tmp.ts";

const open = (home: string) => openEmbeddedState(home, { create: true }).close();

describe("A state folder", () => {
  it.each([
    ["versions", "missing", (file: string) => rmSync(file)],
    ["versions", "empty", (file: string) => truncateSync(file)],
    ["bodies", "missing", (file: string) => rmSync(file)],
  ])("with %s whose state file is %s is refused with what to do, and nothing is made anew", (left, _how, lose) => {
    const home = temporaryFolder();
    open(home);
    mkdirSync(join(home, left, "something"), { recursive: true });
    const file = join(home, "state.db");
    lose(file);
    const before = statSync(file, { throwIfNoEntry: false })?.size;
    for (const create of [true, false]) {
      expect(() => openEmbeddedState(home, { create })).toThrow(
        expect.objectContaining({
          message: expect.stringMatching(new RegExp(`state\\.db is missing or empty, .* still there: ${left}\\.$`)),
          remedies: [{ operation: "restore backup" }, "put the file back", "move these away to start afresh"],
        }),
      );
    }
    expect(statSync(file, { throwIfNoEntry: false })?.size).toBe(before);
  });

  it("A state folder with nothing but empty folders in it is new", () => {
    const home = temporaryFolder();
    mkdirSync(join(home, "versions"));
    open(home);
    open(home);
  });
});

/** A state with a thousand rows of customers, of whose table a page in the middle is overwritten. */
async function aDamagedState(): Promise<string> {
  const home = temporaryFolder();
  const state = openEmbeddedState(home, { create: true });
  await putRows(state.routingTable, { "component#mailer": aComponent({ name: "mailer" }) });
  for (let n = 0; n < 1_000; n += 50) {
    const rows = Array.from({ length: 50 }, (_, at) => [
      `customer#${n + at}`,
      { pins: {}, cohorts: [], plan: "x".repeat(200) },
    ]);
    await putRows(state.routingTable, Object.fromEntries(rows));
  }
  const page = Number(
    state.database.connection
      .prepare("SELECT pageno FROM dbstat WHERE name = 'routing_rows' AND pagetype = 'leaf' LIMIT 1 OFFSET 10")
      .get()?.pageno,
  );
  state.close();
  const file = openSync(join(home, "state.db"), "r+");
  writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, (page - 1) * 4_096);
  return home;
}

describe("A state file with damaged pages", () => {
  it("isn't served: the start ends with what to do", async () => {
    const home = await aDamagedState();
    const starting = startRuntime({ settings: { home, port: 0 }, report: () => {}, onError: () => {} });
    await expect(starting).rejects.toMatchObject({
      message: expect.stringMatching(/state\.db is damaged \(.*\)\.$/),
      remedies: [{ operation: "restore backup" }, "move the folder away to start afresh"],
    });
  });

  it("is found while the server runs, where it is too large to be checked first", async () => {
    const home = await aDamagedState();
    const path = join(home, "state.db");
    const database = openDatabase(path);
    onTestFinished(() => database.close());
    const check = await quickCheck(database, path, 0);
    await check.done;
    expect(database.trouble()?.message).toMatch(/is damaged/);
  });

  it("makes every command that meets them say so, and the state's trouble stays though later writes go well", async () => {
    const home = await aDamagedState();
    const cli = aCli(home);
    const { code, stderr } = await cli.turnout(["export"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^turnout: The state file .*state\.db is damaged \(database disk image is malformed\)\. Restore/m,
    );
    const state = openEmbeddedState(home, { create: false });
    onTestFinished(() => state.close());
    expect(state.database.trouble()).toBeUndefined();
    await expect(Array.fromAsync(state.routingTable.allRows())).rejects.toThrow(/is damaged/);
    await state.queue.send(["message"], new Date());
    expect(state.database.trouble()?.message).toMatch(/is damaged/);
  });

  it("can't be backed up, and the backup that isn't one is taken away", async () => {
    const home = await aDamagedState();
    const cli = aCli(home);
    const file = join(temporaryFolder(), "a.backup");
    const { code, stderr } = await cli.turnout(["backup", file]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/is damaged/);
    expect(statSync(file, { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe("A file that isn't Turnout's", () => {
  it("is left as it is", () => {
    const home = temporaryFolder();
    const other = new DatabaseSync(join(home, "state.db"));
    other.exec("CREATE TABLE theirs (text TEXT)");
    other.close();
    const before = readFileSync(join(home, "state.db"));
    expect(() => open(home)).toThrow(/is a SQLite database, but not a Turnout state file/);
    expect(readFileSync(join(home, "state.db")).equals(before)).toBe(true);
    writeFileSync(join(home, "state.db"), "theirs");
    expect(() => open(home)).toThrow(/is not a Turnout state file/);
  });
});
