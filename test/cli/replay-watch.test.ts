import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { noCounts } from "../../shared/domain/replays/replay.ts";
import { lockServer } from "../../shared/installation/server-lock.ts";
import { runHere } from "../support/cli-in-process.ts";
import { jsonLines } from "../support/cli-process.ts";
import { aStoredCli } from "../support/replayed-cli.ts";

const startedAt = new Date();
const counts = (sent: number, dead = 0) => ({ ...noCounts(), sent, done: sent - dead, dead });
const planned = counts(4);

describe("turnout replay watch", () => {
  it("says in lines how far it is until it has ended, with data on stdout only", async () => {
    const { home, store, change } = await aNewCli();
    await store({ name: "r", planned });
    const { shows, ended } = watching(home, "r");
    await shows("no server runs here");
    await change("r", (replay) => ({ ...replay, progress: { ...replay.progress, startedAt, counts: counts(2) } }));
    await shows("running");
    await change("r", (replay) => ({
      ...replay,
      progress: { ...replay.progress, counts: counts(4), endedAt: new Date() },
    }));
    const { code, stdout, stderr } = await ended;
    expect(stderr.split("\n")).toEqual([
      "queued: 0 of 4 sent, 0 done",
      "no server runs here: it goes on when one does ('npm start')",
      "running: 2 of 4 sent, 2 done",
      "",
    ]);
    expect({ code, stdout }).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^r done: 4 deliveries sent, 4 done/),
    });
  });

  it("prints a line of JSON per change with --json, the last one of its end", async () => {
    const { home, store, change } = await aNewCli();
    await store({ name: "r", planned });
    const { shows, ended } = watching(home, "r", "--json");
    await shows('"status":"queued"');
    await change("r", (replay) => ({ ...replay, progress: { ...replay.progress, startedAt, counts: counts(2) } }));
    await shows('"status":"running"');
    await change("r", (replay) => ({ ...replay, progress: { ...replay.progress, endedAt: new Date() } }));
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(jsonLines(stdout).map(({ replay, status }) => `${replay} ${status}`)).toEqual([
      "r queued",
      "r running",
      "r done",
    ]);
  });

  it.each([
    ["0 when everything was delivered", { progress: { startedAt, endedAt: startedAt, counts: counts(4) } }, 0],
    ["7 when something is dead", { progress: { startedAt, endedAt: startedAt, counts: counts(4, 1) } }, 7],
    ["7 when it was cancelled", { asked: "cancel" as const, progress: { startedAt, endedAt: startedAt } }, 7],
  ])("exits with %s, also of a replay that has long ended", async (_, about, code) => {
    const { here, store } = await aNewCli();
    await store({ name: "r", planned, ...about });
    for (const json of [[], ["--json"]]) {
      const watched = await here("replay watch r", ...json);
      expect(watched).toMatchObject({ code, stderr: "", stdout: expect.stringMatching(/./) });
    }
  });

  it("says nothing of a server while one runs", async () => {
    const { home, store, change } = await aNewCli();
    const lock = lockServer(home);
    try {
      lock.announce(1);
      await store({ name: "r", planned });
      const { shows, ended } = watching(home, "r");
      await shows("queued");
      await change("r", (replay) => ({ ...replay, progress: { ...replay.progress, endedAt: new Date() } }));
      expect((await ended).stderr).toBe("queued: 0 of 4 sent, 0 done\n");
    } finally {
      lock.release();
    }
  });

  it("leaves the replay running at Ctrl-C, says how to come back, and exits with 130", async () => {
    const { home, store, hereJson } = await aNewCli();
    await store({ name: "r", planned, progress: { startedAt } });
    const child = spawn(process.execPath, ["bin/start.js", "replay", "watch", "r"], {
      env: { PATH: process.env.PATH, TURNOUT_HOME: home },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = once(child, "exit");
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr === "") child.kill("SIGINT");
      stderr += text;
    });
    expect(await exited).toEqual([130, null]);
    expect(stderr).toContain("r goes on. Watch it again with 'turnout replay watch r', or cancel it with");
    expect(await hereJson("replay show r")).toMatchObject([{ status: "running", asked: "run" }]);
  });
});

/** A command that goes on until the replay ends. `shows` resolves when it has printed that. */
function watching(home: string, ...args: string[]) {
  let printed = "";
  const waiting = new Set<() => void>();
  const ended = runHere(["replay", "watch", ...args], home, {
    onWrite(text) {
      printed = text;
      for (const look of waiting) look();
    },
  });
  const shows = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => printed.includes(text) && resolve();
      waiting.add(look);
      look();
    });
  return { ended, shows };
}

/** A state that has been made: commands on replays make none. */
async function aNewCli() {
  const cli = aStoredCli();
  await cli.withState(async () => {});
  return cli;
}
