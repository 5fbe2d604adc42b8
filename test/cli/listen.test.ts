import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { aComponent, anEvent, bodyOf } from "../support/builders.ts";
import { aRoutedCli } from "../support/cli-process.ts";
import { COMPILED } from "../support/compiled.ts";
import { aDebugger } from "../support/debugger.ts";
import { aListener } from "../support/listener-process.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const RC = "release-coordinator";
const CLI = fileURLToPath(new URL("../../bin/start.js", import.meta.url));

/** A folder whose code says what it was given, and waits for ever for whoever is called so. */
function aFolder(
  code = 'export const handler = async ({ id }) => { console.log("ran", id); if (id.startsWith("slow")) await new Promise(() => {}); };',
) {
  const folder = join(temporaryFolder(), "code");
  mkdirSync(folder);
  writeFileSync(join(folder, "index.mjs"), code);
  return folder;
}

/** Runs a command in a pseudo-terminal, as somebody sees it who may press keys. */
function aTerminal(command: readonly string[], variables: Record<string, string>) {
  const env = { PATH: process.env.PATH, TERM: "xterm", NODE_COMPILE_CACHE: COMPILED, ...variables };
  const line = command.map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["--quiet", "--return", "--command", line, "/dev/null"], { env, stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  let shown = "";
  const waiting = new Set<() => void>();
  child.stdout.on("data", (chunk) => {
    shown += stripVTControlCharacters(String(chunk));
    for (const look of waiting) look();
  });
  return {
    press: (key: string) => void child.stdin.write(key),
    /** Since the last that was waited for. */
    untilShown: (what: RegExp) =>
      new Promise<void>((resolve) => {
        const look = () => {
          const found = what.exec(shown);
          if (found === null || !waiting.delete(look)) return;
          shown = shown.slice(found.index + found[0].length);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    ended: once(child, "exit").then(([code]) => code as number | null),
  };
}

describe("turnout listen", () => {
  it("runs a customer's events on the folder's code, loads what is saved, and hands everything back at Ctrl-C", async () => {
    const cli = await aRoutedCli();
    const once = aComponent({ aliases: ["stable", "beta", "experimental"], retry: { maxAttempts: 1 } });
    await cli.edit([{ kind: "apply component", component: once }]);
    const server = await startServer(cli.home);
    const folder = aFolder();
    const listener = await aListener([RC, folder, "--customer", "acme"], { TURNOUT_HOME: cli.home });
    const publish = (id: string) => cli.turnout(["publish"], bodyOf(anEvent({ id, customer: "acme" })));
    const { said } = listener;

    await publish("one");
    await listener.until(() => said("ended").length === 1);
    expect(said("ended")).toMatchObject([{ number: 1, event_id: "one", attempt: 1, outcome: "done" }]);
    await listener.until(() => said("printed").length === 1);
    expect(said("printed")).toMatchObject([{ number: 1, text: "ran one" }]);

    writeFileSync(join(folder, "index.mjs"), "export const handler = () => {");
    await listener.until(() => said("broken").length === 1);
    writeFileSync(
      join(folder, "index.mjs"),
      'export const handler = async () => { throw new RangeError("as saved"); };',
    );
    await listener.until(() => said("reloaded").length === 1);
    await publish("two");
    await listener.until(() => said("ended").length === 2);
    expect(said("ended").at(-1)).toMatchObject({ outcome: "failed", error: "as saved", error_type: "RangeError" });

    writeFileSync(join(folder, "index.mjs"), "export const handler = () => new Promise(() => {});");
    await listener.until(() => said("reloaded").length === 2);
    await publish("slow");
    await listener.until(() => said("arrived").some(({ event_id }) => event_id === "slow"));
    listener.child.kill("SIGINT");
    expect(await listener.ended).toEqual([0, null]);
    expect(listener.told()).toMatch(/revision \d+ reverts revision \d+; [12] events? handed back, and decided again/);
    expect(listener.told()).toContain(
      "; 1 delivery that failed here is dead; deliver them again: turnout replay plan ",
    );
    const [, replays = ""] = /deliver them again: (.*)\n/.exec(listener.told()) ?? [];
    expect((await cli.shell(`${replays} --json`)).stdout).toContain('"sent":1,');

    const slow = async () =>
      (await cli.json(["events", "--since", "1h"])).filter(({ event_id }) => event_id === "slow");
    await expect.poll(async () => (await slow())[0]?.alias).toBe("stable");
    expect((await cli.json(["pins"])).length).toBe(0);
    expect(await server.end("SIGTERM")).toBe(0);
  });

  it("lets a debugger in by --inspect, whose breakpoint stops the code, and the lease is held meanwhile", async () => {
    const cli = await aRoutedCli();
    const server = await startServer(cli.home);
    const folder = aFolder("export const handler = async ({ id }) => {\n  const seen = id;\n  return seen;\n};");
    const inspected = [RC, folder, "--customer", "acme", "--inspect", "127.0.0.1:0"];
    const listener = await aListener(inspected, { TURNOUT_HOME: cli.home });
    const publish = (id: string) => cli.turnout(["publish"], bodyOf(anEvent({ id, customer: "acme" })));
    const address = () =>
      /ws:\S+/.exec(
        listener
          .said("printed")
          .map(({ text }) => text)
          .join("\n"),
      )?.[0];
    const until = () => cli.withState(async ({ laptops }) => (await laptops.leases())[0]?.until ?? "");

    // Its process begins with the first event.
    await publish("first");
    await listener.until(() => listener.said("ended").length === 1 && address() !== undefined);
    const editor = await aDebugger(address() ?? "");
    await editor.breakAt(1, "index.mjs");
    await publish("stops");
    await editor.paused();
    const heldUntil = await until();
    await expect.poll(until, { interval: 500 }).not.toBe(heldUntil);
    expect(listener.said("ended")).toHaveLength(1);
    editor.resume();
    await listener.until(() => listener.said("ended").length === 2);
    expect(listener.said("ended").at(-1)).toMatchObject({ event_id: "stops", attempt: 1, outcome: "done" });
    expect(await listener.end("SIGINT")).toBe(0);
    expect(await server.end("SIGTERM")).toBe(0);
  });

  it("has keys on a terminal: arrows choose an event, r runs it again here only, q hands everything back", async () => {
    const cli = await aRoutedCli();
    const server = await startServer(cli.home);
    const args = ["listen", RC, aFolder(), "--customer", "acme", "--yes"];
    const { press, untilShown, ended } = aTerminal([process.execPath, CLI, ...args], { TURNOUT_HOME: cli.home });
    await untilShown(/listens as/);
    for (const id of ["one", "two"]) {
      await cli.turnout(["publish"], bodyOf(anEvent({ id, customer: "acme" })));
      await untilShown(new RegExp(`ran ${id}`));
    }
    press("\x1b[A");
    await untilShown(/#1 \S.*r runs it again/);
    press("r");
    await untilShown(/#1 +again, here only: done in/);
    press("q");
    expect(await ended).toBe(0);
    await untilShown(/hands everything back[\s\S]*0 events handed back/);
    // What was run again was told to nobody.
    const standing = async () => {
      const events = await cli.json(["events", "--since", "1h"]);
      return events.map(({ event_id, status, attempt }) => `${event_id} ${status} ${attempt}`).sort();
    };
    await expect.poll(standing).toEqual(["one done 1", "two done 1"]);
    expect(await cli.json(["pins"])).toEqual([]);
    expect(await server.end("SIGTERM")).toBe(0);
  });

  it("hands everything back where nobody reads on what it prints", async () => {
    const cli = await aRoutedCli();
    const folder = aFolder();
    const listener = await aListener([RC, folder, "--customer", "acme"], { TURNOUT_HOME: cli.home });
    listener.child.stdout.destroy();
    writeFileSync(join(folder, "index.mjs"), "export const handler = {");
    expect(await listener.ended).toEqual([0, null]);
    expect(listener.told()).toContain("nobody reads what it prints: hands everything back");
    expect((await cli.json(["pins"])).length).toBe(0);
  });

  it("says what would change, and changes nothing, in a dry run", async () => {
    const cli = await aRoutedCli();
    const { code, stderr } = await cli.turnout(["listen", RC, aFolder(), "--customer", "acme", "--dry-run"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/listen to customer acme of release-coordinator as laptop-\S+ until/);
    expect(stderr).toContain("3 subjects of the directory would go elsewhere");
    expect(stderr).toContain("dry run: nothing was changed");
    expect((await cli.withState(({ laptops }) => laptops.leases())).length).toBe(0);
  });

  it("refuses what it can't do, with a word", async () => {
    const cli = await aRoutedCli();
    const told = async (...args: string[]) => {
      const { code, stderr } = await cli.turnout(["listen", RC, ...args]);
      return `${code}: ${stderr}`;
    };
    expect(await told(aFolder(), "--mirror")).toMatch(/^2: .*unknown option '--mirror'/);
    expect(await told(aFolder(), "--for", "8d")).toMatch(/^2: .*--for: at most 7d/);
    expect(await told("/nowhere/at/all", "--customer", "acme", "--yes")).toMatch(/^3: .*There is no folder \/nowhere/);
    expect(await told(aFolder("export const handler = {"), "--customer", "acme", "--yes")).toMatch(
      /^1: .*can't be loaded: .* Nothing is run\./,
    );
    expect(await told(aFolder(), "--yes")).toMatch(/^3: .*No cohort 'staff'/);
    const leases = await cli.withState(({ laptops }) => laptops.leases());
    expect(leases.filter(({ ended }) => ended !== true)).toEqual([]);
  });

  it("refuses an alias that somebody listens on, by name, and promotes nothing from it", async () => {
    const cli = await aRoutedCli();
    const until = new Date(Date.now() + 600_000).toISOString();
    const [alias] =
      /laptop-[a-z0-9-]+/.exec(
        (await cli.turnout(["listen", RC, aFolder(), "--customer", "acme", "--dry-run"])).stderr,
      ) ?? [];
    const lease = { component: RC, alias: alias ?? "", session: "other", owner: "ada on thinkpad", until, lock: 0 };
    await cli.withState(({ laptops }) => laptops.putLease(lease));
    const { code, stderr } = await cli.turnout(["listen", RC, aFolder(), "--customer", "acme", "--yes"]);
    expect([code, stderr]).toEqual([
      5,
      expect.stringContaining(`ada on thinkpad listens to ${RC} as ${alias} already.`),
    ]);
    const about = { who: "ada", why: "tries", at: new Date().toISOString(), until, heldByOthers: [] };
    const edit = {
      kind: "listen",
      component: RC,
      alias: lease.alias,
      subjects: ["customer#acme"],
      cohorts: [],
    } as const;
    await cli.edit([{ ...edit, ...about }]);
    const promoted = await cli.turnout(["promote", RC, lease.alias, "stable", "--reason", "r", "--yes"]);
    expect([promoted.code, promoted.stderr]).toEqual([4, expect.stringContaining("is somebody's laptop")]);
    expect((await cli.turnout(["doctor"])).stdout).toContain("ada on thinkpad listens");
  });
});
