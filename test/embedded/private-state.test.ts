import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { lockServer, runningServer } from "../../shared/installation/server-lock.ts";
import { COMPILED } from "../support/compiled.ts";
import { temporaryFolder } from "../support/tmp.ts";

const modeOf = (path: string) => statSync(path).mode & 0o777;
const open = (home: string) => openEmbeddedState(home, { create: true }).close();

/** Paths in a folder that others than their owner may do anything with. */
function loose(home: string): string[] {
  const names = readdirSync(home, { recursive: true }) as string[];
  return ["", ...names].filter((name) => (modeOf(join(home, name)) & 0o077) !== 0);
}

describe("A state folder", () => {
  it("is for its owner alone, with all that a run of the sample leaves in it, whatever the shell's umask", () => {
    const home = join(temporaryFolder(), "state");
    const run = 'umask 000; exec "$0" scripts/embedded.ts --once';
    const env = { PATH: process.env.PATH, TURNOUT_HOME: home, TURNOUT_PORT: "0", NODE_COMPILE_CACHE: COMPILED };
    const { status } = spawnSync("bash", ["-c", run, process.execPath], { env });
    expect(status).toBe(0);
    expect(readdirSync(home)).toEqual(
      expect.arrayContaining(["logs", "samples", "server.lock", "state.db", "versions"]),
    );
    expect(loose(home)).toEqual([]);
  });

  it("A state folder that others may look into is closed to them, with what Turnout has in it", () => {
    const home = temporaryFolder();
    open(home);
    mkdirSync(join(home, "bodies"));
    for (const name of ["", "state.db", "bodies"]) chmodSync(join(home, name), name === "state.db" ? 0o644 : 0o755);
    open(home);
    expect([modeOf(home), modeOf(join(home, "state.db")), modeOf(join(home, "bodies"))]).toEqual([0o700, 0o600, 0o700]);
  });

  it("is refused, and left as it is, when others may look into it and it has other things in it", () => {
    const home = temporaryFolder();
    writeFileSync(join(home, "notes.txt"), "theirs");
    chmodSync(home, 0o755);
    expect(() => open(home)).toThrow(
      /may be read by others, and has other things in it \(notes\.txt\)\. Set TURNOUT_HOME to a folder of its own/,
    );
    expect([modeOf(home), readdirSync(home)]).toEqual([0o755, ["notes.txt"]]);
    chmodSync(home, 0o700);
    open(home);
  });
});

describe("The lock file", () => {
  it("is named when it has something else in it, and no server is said to run", () => {
    const home = temporaryFolder();
    writeFileSync(join(home, "server.lock"), "garbage\n".repeat(100));
    expect(() => lockServer(home)).toThrow(
      /server\.lock can't be used \(file is not a database\)\. If no server runs on this folder, delete the file\./,
    );
    expect(runningServer(home)).toBeUndefined();
  });

  it("The lock file that a server has is told with its process, unless what it announced can't be read", () => {
    const home = temporaryFolder();
    const lock = lockServer(home);
    lock.announce(4_600);
    expect(() => lockServer(home)).toThrow(`(process ${process.pid}) runs on port 4600`);
    for (const text of ["garbage", '"text"', '{"pid":"1"}', "null"]) {
      writeFileSync(join(home, "server.json"), text);
      expect(() => lockServer(home)).toThrow("Another Turnout server runs on the state folder");
    }
    lock.release();
    const again = new DatabaseSync(join(home, "server.lock"));
    again.exec("BEGIN EXCLUSIVE; ROLLBACK");
    again.close();
  });
});
