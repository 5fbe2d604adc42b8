import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bodyKeyOf } from "../../shared/body-store/body-store.ts";
import { fileBodyStore } from "../../shared/body-store/file-body-store.ts";
import { temporaryFolder } from "../support/tmp.ts";
import { describeBodyStore } from "./body-store.contract.ts";

const now = new Date("2026-11-21T10:00:00.000Z");
const key = bodyKeyOf(now, "name");

describeBodyStore("files", async () => {
  const folder = join(temporaryFolder(), "state", "bodies");
  return { store: fileBodyStore(folder), another: () => fileBodyStore(folder), close: async () => {} };
});

describe("bodies in files", () => {
  it("are for nobody else's eyes, and leave nothing besides them", async () => {
    const folder = join(temporaryFolder(), "bodies");
    const store = fileBodyStore(folder);
    await store.put(key, Buffer.from("body"));
    await store.put(key, Buffer.from("again"));
    expect(readdirSync(folder)).toEqual([key]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, key)).mode & 0o777).toBe(0o600);
  });

  it("bodies in files that a crash left unfinished are removed when they would have expired", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, `${key}.1234.tmp`), "half a bo");
    const store = fileBodyStore(folder);
    expect(await store.get(key)).toEqual({ ok: false, problem: expect.stringMatching(/Restore the folder/) });
    expect(await store.expire(now, 10)).toBe(0);
    expect(await store.expire(new Date(now.getTime() + 86_400_000), 10)).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("tell one that may not be read from all the others", async () => {
    const folder = temporaryFolder();
    const store = fileBodyStore(folder);
    await store.put(key, Buffer.from("body"));
    const broken = bodyKeyOf(now, "a-folder");
    mkdirSync(join(folder, broken));
    expect(await store.get(broken)).toEqual({ ok: false, problem: expect.stringMatching(/a-folder \(EISDIR/) });
    expect(await store.get(key)).toMatchObject({ ok: true });
  });

  it("fail with what to do where they can't be written", async () => {
    const file = join(temporaryFolder(), "a file");
    writeFileSync(file, "");
    chmodSync(file, 0o600);
    await expect(fileBodyStore(join(file, "bodies")).put(key, Buffer.from("body"))).rejects.toThrow(
      /can't be stored in .*ENOTDIR.*Check that there is room/,
    );
  });
});
