import { appendFileSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SQLInputValue } from "node:sqlite";
import { describe, expect, test } from "vitest";
import type { Database } from "../../shared/sqlite/database.ts";
import { folderVersionCatalog } from "../../shared/versions/folder-version-catalog.ts";
import { codeFolder, component, now, openCatalog } from "./folder-versions.ts";

describe("publishing refuses", () => {
  const index = { "index.mjs": "one" };

  test("a folder that isn't there, a file, and an empty folder", async () => {
    const { refusal } = openCatalog();
    expect(await refusal("/no/such/folder")).toMatchObject({ kind: "not found", message: /\/no\/such\/folder/ });
    expect(await refusal(join(codeFolder(index), "index.mjs"))).toMatchObject({ message: /not a file/ });
    expect(await refusal(codeFolder({}))).toMatchObject({ kind: "usage", message: /is empty/ });
  });

  test("a handler whose file isn't there, naming the files it looked for", async () => {
    const { refusal } = openCatalog();
    const { message } = await refusal(codeFolder(index), "src/main.handler");
    expect(message).toContain("looked for src/main.js, src/main.mjs, src/main.cjs, src/main.ts, src/main.mts");
  });

  test.each([
    "index",
    ".handler",
    "index.",
    "../index.handler",
    "/index.handler",
    "a/../index.handler",
    "index..x",
    "",
  ])("the handler '%s'", async (handler) => {
    const { refusal } = openCatalog();
    expect(await refusal(codeFolder(index), handler)).toMatchObject({ message: /is not a handler/ });
  });

  test.each([
    ["no JSON", "{", /version\.json: not JSON/],
    ["a command that is text", '{"command":"python3 handler.py"}', /version\.json: command: expected/],
    ["an empty command", '{"command":[]}', /version\.json: command: expected at least 1 elements/],
    ["an empty word", '{"command":["python3",""]}', /version\.json: command\.1: can't be empty/],
    ["a field that isn't known", '{"command":["./run"],"init":1}', /version\.json: there is no field 'init'/],
  ])("a version.json with %s", async (_, json, message) => {
    const { refusal } = openCatalog();
    const refused = await refusal(codeFolder({ "version.json": json }));
    expect(refused).toMatchObject({ kind: "usage", message: expect.stringMatching(message) });
  });

  test("a handler where version.json names a command", async () => {
    const { refusal } = openCatalog();
    const source = codeFolder({ ...index, "version.json": '{"command":["./run"]}' });
    expect(await refusal(source, "index.handler")).toMatchObject({
      message: /so there is no handler 'index\.handler' to call/,
    });
  });

  test("more than 250 MB", async () => {
    const { refusal } = openCatalog();
    const source = codeFolder({ ...index, "model.bin": "" });
    truncateSync(join(source, "model.bin"), 262_144_000);
    expect(await refusal(source)).toMatchObject({ message: /has 262144003 bytes; a version may have 262144000/ });
  });

  test.each([
    ["outside", "/etc/hostname"],
    ["outside by its own name", "SOURCE/index.mjs"],
    ["to a parent", "../index.mjs"],
    ["nowhere", "gone.mjs"],
  ])("a link that leads %s", async (_, target) => {
    const { refusal } = openCatalog();
    const source = codeFolder(index);
    writeFileSync(join(dirname(source), "index.mjs"), "");
    symlinkSync(target.replace("SOURCE", source), join(source, "link.mjs"));
    expect(await refusal(source)).toMatchObject({ kind: "usage", message: /link\.mjs is a link/ });
  });

  test("the folder of the versions, what is above it and what is in the way below", async () => {
    const { refusal, home, folder } = openCatalog();
    mkdirSync(join(folder, component), { recursive: true });
    writeFileSync(join(home, "index.mjs"), "one");
    for (const source of [home, folder, join(folder, component)]) {
      expect(await refusal(source)).toMatchObject({ message: /holds Turnout's own copies/ });
    }
  });

  test.each(["../elsewhere", "a/b", "..", "", "Upper"])("the component name '%s'", async (name) => {
    const { catalog, home } = openCatalog();
    const publishing = catalog.publish({ component: name, source: codeFolder(index), now });
    await expect(publishing).rejects.toMatchObject({ kind: "usage" });
    expect(readdirSync(home).filter((entry) => entry === "elsewhere")).toEqual([]);
  });

  test("code that changes while it is copied", async () => {
    const { database, folder } = openCatalog();
    const source = codeFolder(index);
    // The newest version is looked up after the code's hash was taken, and before the code is copied.
    const changing = onEveryLookup(database, () => appendFileSync(join(source, "index.mjs"), "more"));
    const catalog = folderVersionCatalog(changing, folder);
    const publishing = catalog.publish({ component, source, now });
    await expect(publishing).rejects.toMatchObject({ kind: "conflict", message: /changed while it was copied/ });
    expect(await catalog.versions(component)).toEqual([]);
    expect(readdirSync(join(folder, component))).toEqual([]);
  });
});

/** Does something whenever one row is looked up. */
function onEveryLookup(database: Database, act: () => void): Database {
  const prepare = (sql: string) => {
    const statement = database.connection.prepare(sql);
    const get = statement.get.bind(statement);
    statement.get = ((...parameters: SQLInputValue[]) => {
      act();
      return get(...parameters);
    }) as typeof statement.get;
    return statement;
  };
  const connection = { exec: (sql: string) => database.connection.exec(sql), prepare };
  return { ...database, connection: connection as Database["connection"] };
}
