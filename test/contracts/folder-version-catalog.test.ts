import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Database } from "../../shared/sqlite/database.ts";
import { folderVersionCatalog } from "../../shared/versions/folder-version-catalog.ts";
import { codeFolder, component, now, openCatalog } from "./folder-versions.ts";
import { describeVersionCatalog } from "./version-catalog.contract.ts";

describeVersionCatalog("folders", async () => {
  const { catalog } = openCatalog();
  return {
    catalog,
    publish: ({ code, ...about }) => catalog.publish({ ...about, source: codeFolder({ "index.mjs": code }), now }),
    close: async () => {},
  };
});

describe("a version's folder", () => {
  test("is a copy that what becomes of the original doesn't change", async () => {
    const { catalog, codeIn } = openCatalog();
    const source = codeFolder({ "index.mjs": "one", "lib/deep/rule.mjs": "rule", ".env": "hidden" });
    await catalog.publish({ component, source, now });
    writeFileSync(join(source, "index.mjs"), "two");
    expect(codeIn("1")).toEqual({ ".env": "hidden", "index.mjs": "one", "lib/deep/rule.mjs": "rule" });
  });

  test("has files that only their owner may read and nobody write, and what was executable still is", async () => {
    const { catalog, folder } = openCatalog();
    const source = codeFolder({ "index.mjs": "one", tool: "#!/bin/sh" });
    chmodSync(join(source, "tool"), 0o755);
    await catalog.publish({ component, source, now });
    const modeOf = (file: string) => statSync(join(folder, component, "1", file)).mode & 0o777;
    expect([modeOf("index.mjs"), modeOf("tool")]).toEqual([0o400, 0o500]);
  });

  test("keeps links that stay inside", async () => {
    const { catalog, codeIn } = openCatalog();
    const source = codeFolder({ "index.mjs": "one", "store/lib/rule.mjs": "rule" });
    symlinkSync("store/lib", join(source, "lib"));
    symlinkSync("../../index.mjs", join(source, "store/lib/main.mjs"));
    await catalog.publish({ component, source, now });
    expect(codeIn("1")).toMatchObject({ "lib/rule.mjs": "rule", "store/lib/main.mjs": "one" });
  });

  test.each([
    ["is entered by the command that its version.json names", '{"command":["./run"]}', "version.json"],
    ["is entered by its handler where its version.json is one of its own", '{"number":"1.4.0"}', "index.handler"],
  ])("%s", async (_, json, handler) => {
    const { catalog } = openCatalog();
    await catalog.publish({ component, source: codeFolder({ "index.mjs": "", "version.json": json }), now });
    expect(catalog.codeOf(component, "1")).toMatchObject({ handler });
  });

  test("is found by alias and by version", async () => {
    const { catalog, folder } = openCatalog();
    const source = codeFolder({ "src/app.ts": "one" });
    await catalog.publish({ component, source, handler: "src/app.api.handler", now });
    expect(catalog.resolve(component, "stable")).toBeUndefined();
    await catalog.moveAlias(component, "stable", "1");
    const codeSha256 = expect.stringMatching(/^[0-9a-f]{64}$/);
    const code = { folder: join(folder, component, "1"), handler: "src/app.api.handler", codeSha256 };
    expect(catalog.resolve(component, "stable")).toEqual({ version: "1", ...code });
    expect(catalog.codeOf(component, "1")).toEqual(code);
    expect(catalog.codeOf(component, "2")).toBeUndefined();
    expect(catalog.codeOf(component, "1.0")).toBeUndefined();
  });
});

describe("a version's number", () => {
  test("is one more than the newest, or the one asked for", async () => {
    const { catalog } = openCatalog();
    const publish = (code: string, number?: number) => {
      const source = codeFolder({ "index.mjs": code });
      return catalog.publish({ component, source, ...(number === undefined ? {} : { number }), now });
    };
    const published = [await publish("a"), await publish("b", 22), await publish("c")];
    expect(published.map(({ version }) => version.version)).toEqual(["1", "22", "23"]);
    for (const number of [23, 5, 0, 24.5]) {
      await expect(publish("d", number)).rejects.toMatchObject({ kind: "usage", message: /newest .* is 23/ });
    }
    expect(await catalog.versions(component)).toHaveLength(3);
  });
});

describe("a version's hash", () => {
  test("stays the same as long as code and handler do", async () => {
    const { catalog } = openCatalog();
    const files = { "index.mjs": "one", "lib/b.mjs": "two" };
    const shas = new Map<string, string>();
    const publish = async (what: string, code: Record<string, string>, handler = "index.handler") => {
      const source = codeFolder(code);
      const { version } = await catalog.publish({ component: what, source, handler, now });
      shas.set(what, version.codeSha256);
    };
    await publish("first", files);
    await publish("same", { "lib/b.mjs": "two", "index.mjs": "one" });
    await publish("handler", files, "index.other");
    await publish("content", { ...files, "lib/b.mjs": "2" });
    await publish("name", { "index.mjs": "one", "lib/c.mjs": "two" });
    await publish("shifted", { "index.mjs": "onetwo", "lib/b.mjs": "" });
    expect(shas.get("same")).toBe(shas.get("first"));
    expect(new Set(shas.values()).size).toBe(5);
    // sha256sum of: "index.handler"⏎["index.mjs","file",3]⏎one["lib/b.mjs","file",3]⏎two
    expect(shas.get("first")).toBe("e66683c24f41c304658cac0206d43f0688631174ced7a5beeade575314723eb7");
  });

  test("a version's hash of unchanged code writes nothing", async () => {
    const { catalog, folder } = openCatalog();
    const source = codeFolder({ "index.mjs": "one" });
    await catalog.publish({ component, source, now });
    const before = statSync(join(folder, component)).mtimeMs;
    expect(await catalog.publish({ component, source, number: 7, now })).toMatchObject({ isNew: false });
    expect(statSync(join(folder, component)).mtimeMs).toBe(before);
  });
});

describe("after a crash", () => {
  test("a folder without a row is replaced", async () => {
    const { catalog, folder, codeIn } = openCatalog();
    mkdirSync(join(folder, component, "1"), { recursive: true });
    writeFileSync(join(folder, component, "1", "half.mjs"), "half");
    expect(await catalog.versions(component)).toEqual([]);
    await catalog.publish({ component, source: codeFolder({ "index.mjs": "one" }), now });
    expect(codeIn("1")).toEqual({ "index.mjs": "one" });
  });

  test("copies that were never finished are removed, others' running ones aren't", async () => {
    const { catalog, folder } = openCatalog();
    const staged = (name: string, at: Date) => {
      const path = join(folder, component, `.publishing-${name}`);
      mkdirSync(path, { recursive: true });
      utimesSync(path, at, at);
      return path;
    };
    const [old, running] = [staged("old", new Date("2026-11-20T08:00:00Z")), staged("running", now)];
    await catalog.publish({ component, source: codeFolder({ "index.mjs": "one" }), now });
    expect([existsSync(old), existsSync(running)]).toEqual([false, true]);
  });

  test("copies that were never finished can be removed without a publication", async () => {
    const { catalog, folder } = openCatalog();
    expect(await catalog.removeAbandoned(component, now)).toBe(0);
    const path = join(folder, component, ".publishing-old");
    mkdirSync(path, { recursive: true });
    const hourLater = new Date(Date.now() + 3_600_001);
    expect(await catalog.removeAbandoned(component, new Date())).toBe(0);
    expect(await catalog.removeAbandoned(component, hourLater)).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  test("a failed write leaves no version, and its copy is removed", async () => {
    const { database, folder } = openCatalog();
    const failing = { ...database, write: () => Promise.reject(new Error("disk full")) };
    const catalog = folderVersionCatalog(failing, folder);
    const publishing = catalog.publish({ component, source: codeFolder({ "index.mjs": "one" }), now });
    await expect(publishing).rejects.toThrow("disk full");
    expect(await catalog.versions(component)).toEqual([]);
    expect(readdirSync(join(folder, component))).toEqual([]);
  });
});

describe("publishing at the same time", () => {
  test("gives every process its own number and its own code", async () => {
    const { catalog, home, codeIn } = openCatalog();
    const each = 5;
    const ends = await Promise.all(["a", "b"].map((who) => publishingProcess(home, who, each)));
    expect(ends).toEqual([0, 0]);
    const versions = await catalog.versions(component);
    expect(versions.map(({ version }) => Number(version))).toEqual(Array.from({ length: 2 * each }, (_, i) => i + 1));
    expect(versions.map(({ version }) => codeIn(version)["index.mjs"])).toEqual(
      versions.map(({ description }) => description),
    );
  });

  test("publishing at the same time in one process gives each its own number, and the same code one", async () => {
    const { catalog } = openCatalog();
    const publish = (code: string) => catalog.publish({ component, source: codeFolder({ "index.mjs": code }), now });
    const published = await Promise.all(["a", "b", "c"].map(publish));
    expect(published.map(({ version }) => version.version).sort()).toEqual(["1", "2", "3"]);
    const same = await Promise.all([publish("d"), publish("d")]);
    expect(same.map(({ version }) => version.version)).toEqual(["4", "4"]);
    expect(same.filter(({ isNew }) => isNew)).toHaveLength(1);
  });

  test("is entered once although a neighbour in the transaction fails", async () => {
    const { database, folder, codeIn } = openCatalog();
    const beside = besideFailing(database);
    const catalog = folderVersionCatalog(beside, folder);
    await catalog.publish({ component, source: codeFolder({ "index.mjs": "one" }), now });
    expect(await catalog.versions(component)).toHaveLength(1);
    expect(codeIn("1")).toEqual({ "index.mjs": "one" });
  });

  test("fails rather than take another's folder for its own", async () => {
    const { database, folder, codeIn } = openCatalog();
    const other = folderVersionCatalog(database, folder);
    // Between the two runs another process publishes, for which our folder has no row and is replaced.
    const meanwhile = () => {
      const mine = join(folder, component, "1");
      renameSync(mine, `${mine}-replaced`);
      mkdirSync(mine);
    };
    const catalog = folderVersionCatalog(besideFailing(database, meanwhile), folder);
    const publishing = catalog.publish({ component, source: codeFolder({ "index.mjs": "one" }), now });
    await expect(publishing).rejects.toMatchObject({ kind: "conflict" });
    expect(await other.versions(component)).toEqual([]);
    await other.publish({ component, source: codeFolder({ "index.mjs": "two" }), now });
    expect(codeIn("1")).toEqual({ "index.mjs": "two" });
  });
});

/** Every write shares its transaction with one that fails after it, so that it is run a second time. */
function besideFailing(database: Database, meanwhile = () => {}): Database {
  return {
    ...database,
    write(work) {
      const written = database.write(work);
      const neighbour = database.write(() => {
        meanwhile();
        throw new Error("the neighbour fails");
      });
      neighbour.catch(() => {});
      return written;
    },
  };
}

/** A process that publishes so many versions, one after the other. Returns its exit code. */
async function publishingProcess(home: string, who: string, versions: number): Promise<number> {
  const root = new URL("../../", import.meta.url).href;
  const code = `
    import { mkdirSync, writeFileSync } from "node:fs";
    import { openDatabase } from "${root}shared/sqlite/database.ts";
    import { folderVersionCatalog } from "${root}shared/versions/folder-version-catalog.ts";
    const catalog = folderVersionCatalog(openDatabase("${home}/state.db"), "${home}/versions");
    const source = "${home}/source-${who}";
    mkdirSync(source);
    for (let i = 0; i < ${versions}; i++) {
      const description = "${who}" + i;
      writeFileSync(source + "/index.mjs", description);
      await catalog.publish({ component: "${component}", source, description, now: new Date() });
    }`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [status] = (await once(child, "exit")) as [number];
  return status;
}
