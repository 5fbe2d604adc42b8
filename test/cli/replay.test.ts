import { describe, expect, it } from "vitest";
import { noCounts } from "../../shared/domain/replays/replay.ts";
import { runHere } from "../support/cli-in-process.ts";
import { aStoredCli } from "../support/replayed-cli.ts";

const startedAt = new Date("2026-11-20T10:00:01Z");
const running = { startedAt, counts: { ...noCounts(), sent: 3, done: 2, dead: 1 } };
const planned = { ...noCounts(), sent: 9 };

describe("turnout replay list", () => {
  it("lists replays with the newest last, the newest twenty or as many as are asked for", async () => {
    const { here, hereJson, store } = await aNewCli();
    for (let n = 1; n <= 21; n++) {
      const requestedAt = new Date(Date.UTC(2026, 10, 20, 10, n));
      await store({ name: `r-${n}`, requestedAt, planned, filter: { customer: "acme" }, progress: running });
    }
    const table = await here("replay list");
    expect(table.stdout).toMatch(/^REPLAY +STATUS +ASKED FOR +MODE +FILTER +PLANNED +SENT +DONE +DEAD +BY +WHY\n/);
    expect(table.stdout).toMatch(
      /\nr-21 +running +2026-11-20 10:21:00 +rerun +--customer acme +9 +3 +2 +1 +ada +a test\n$/,
    );
    expect(table.stdout.split("\n")).toHaveLength(22);
    expect(table.stderr).toBe("no server runs here: what hasn't ended goes on when one does ('npm start')\n");
    const two = await hereJson("replay list --limit 2");
    expect(two.map(({ replay }) => replay)).toEqual(["r-20", "r-21"]);
  });
});

describe("a replay that can't be read", () => {
  it("is listed as such among the others, shown as what it is, and named by doctor as a warning", async () => {
    const { here, hereJson, store, withState } = await aNewCli();
    for (const name of ["one", "two", "three"]) await store({ name, progress: running });
    await withState(async ({ database }) => {
      database.connection.exec("UPDATE replays SET replay = '{}' WHERE name = 'two'");
    });
    const { stdout, stderr } = await here("replay list");
    expect(stdout).toMatch(/\none +running .+\ntwo +unreadable +20.+\nthree +running /);
    expect(stderr).toContain("two can't be read, and nobody runs it: replay.name: ");
    expect(await hereJson("replay list")).toContainEqual({
      replay: "two",
      status: "unreadable",
      requested_at: expect.any(String),
      problem: expect.stringMatching(/^replay\.name: /),
    });
    for (const command of ["show", "watch", "cancel", "pause"]) {
      expect(await here(`replay ${command} two`)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("What is stored of replay 'two' can't be read: replay.name: "),
      });
    }
    expect(await here("replay pause three")).toMatchObject({ code: 0 });
    expect(await here("replay show nobody")).toMatchObject({ stderr: expect.stringContaining("three, two, one") });
    const { code, stdout: found } = await here("doctor");
    expect(found).toMatch(/\nreplay two +warning +can't be read: replay\.name: /);
    expect(code).toBe(0);
  });
});

describe("turnout replay show", () => {
  it("tells everything that is known of a replay", async () => {
    const { here, hereJson, store } = await aNewCli();
    const replay = await store({
      name: "undo-1",
      planned,
      requestedAt: new Date("2026-11-20T10:00:00Z"),
      filter: { component: "c", executedVersion: "23", ranSince: "2026-11-20T07:00:00.000Z" },
      avoidVersion: "23",
      ratePerSecond: 20,
      asked: "cancel",
      askedBy: { who: "bob", why: "enough", at: "2026-11-20T10:00:02.000Z" },
      progress: {
        ...running,
        firstSentAt: startedAt,
        endedAt: new Date("2026-11-20T10:00:03Z"),
        counts: { ...running.counts, matched: 5, scanned: 8, skipped: { cancelled: 2 } },
      },
    });
    const shown = await here("replay show undo-1");
    expect(shown).toEqual({
      code: 0,
      stderr: "",
      stdout: [
        "replay undo-1",
        "by       ada",
        "why      a test",
        "command  turnout replay",
        "window   2026-11-20T08:00:00.000Z to 2026-11-20T09:00:00.000Z",
        "filter   --component c --executed-version 23, run since 2026-11-20T07:00:00.000Z",
        "mode     rerun: every match is run once more",
        "to       where the routing says when it is sent, but nothing to version 23",
        "rate     20/s, 25 at once",
        "status   cancelled: 3 of 9 sent, 2 done, 1 dead",
        "asked    to cancel, at 2026-11-20T10:00:02.000Z by bob: enough",
        "queued   2026-11-20T10:00:00.000Z",
        "began    2026-11-20T10:00:01.000Z",
        "sending  2026-11-20T10:00:01.000Z",
        "ended    2026-11-20T10:00:03.000Z",
        "matched  5, of 8 stored events in the window",
        "skipped  2:",
        "           2 cancelled: the replay was cancelled before",
        "sent     3, 2 done, 1 dead, 0 open",
        "",
      ].join("\n"),
    });
    const [json] = await hereJson("replay show undo-1");
    expect(json).toMatchObject({
      replay: replay.name,
      status: "cancelled",
      asked_by: { who: "bob" },
      filter: { component: "c", executed_version: "23", ran_since: "2026-11-20T07:00:00.000Z" },
      avoid_version: "23",
      rate_per_second: 20,
      counts: { sent: 3, done: 2, dead: 1 },
      not_as_planned: [],
    });
  });

  it("fails for a replay that there isn't, and names the newest", async () => {
    const { here, store } = await aNewCli();
    for (const what of ["show", "watch", "pause", "resume", "cancel"]) {
      const missing = await here(`replay ${what} nope`);
      expect(missing).toEqual({ code: 3, stdout: "", stderr: "turnout: No replay 'nope'. There are none yet.\n" });
    }
    await store({ name: "only" });
    expect((await here("replay show nope")).stderr).toContain("The newest are: only.");
  });
});

describe("turnout replay pause, resume and cancel", () => {
  it("asks for it, says how it stands, and how it is taken back", async () => {
    const { here, hereJson, store } = await aNewCli();
    await store({ name: "r", planned, progress: running });
    const paused = await here("replay pause r", "--reason", "acme is slow");
    expect(paused).toEqual({
      code: 0,
      stdout: "r: paused: 3 of 9 sent, 2 done, 1 dead\n",
      stderr: "r is running: 3 of 9 sent, 2 done, 1 dead\nundo: turnout replay resume r\n",
    });
    expect(await hereJson("replay show r")).toMatchObject([{ asked: "pause", asked_by: { why: "acme is slow" } }]);
    const resumed = await here("replay resume r");
    expect(resumed).toMatchObject({ code: 0, stdout: "r: running: 3 of 9 sent, 2 done, 1 dead\n" });
    expect(resumed.stderr).toMatch(/undo: turnout replay pause r\n$/);
    expect(await hereJson("replay cancel r --yes")).toMatchObject([{ changed: true, dry_run: false, asked: "cancel" }]);
  });

  it("says so where that was asked already, and exits with 0", async () => {
    const { here, hereJson, store } = await aNewCli();
    await store({ name: "r", progress: running });
    const twice = [];
    for (const what of ["resume", "pause", "pause", "cancel --yes", "cancel --yes"]) {
      const { code, stderr } = await here(`replay ${what.split(" ")[0]} r`, ...what.split(" ").slice(1));
      twice.push(`${code} ${/nothing to change: .*/.exec(stderr)?.[0] ?? "changed"}`);
    }
    expect(twice).toEqual([
      "0 nothing to change: r isn't paused",
      "0 changed",
      "0 nothing to change: r was paused already",
      "0 changed",
      "0 nothing to change: r was cancelled already",
    ]);
    expect(await hereJson("replay cancel r")).toMatchObject([{ changed: false }]);
  });

  it("ends a replay at once that has not begun", async () => {
    const { here, store } = await aNewCli();
    await store({ name: "r", planned });
    const cancelled = await here("replay cancel r --yes");
    expect(cancelled).toMatchObject({ code: 0, stdout: "r: cancelled: 0 of 9 sent, 0 done\n" });
  });

  it("fails for one that has ended or was cancelled, in a dry run as well", async () => {
    const { here, store } = await aNewCli();
    await store({ name: "done", progress: { ...running, endedAt: startedAt } });
    await store({ name: "cancelled", asked: "cancel", progress: { ...running, endedAt: startedAt } });
    await store({ name: "stopping", asked: "cancel", progress: running });
    for (const dry of [[], ["--dry-run"]]) {
      for (const what of ["pause", "resume", "cancel"]) {
        const refused = await here(`replay ${what} done`, ...dry);
        expect(refused).toMatchObject({ code: 5, stdout: "" });
        expect(refused.stderr).toContain(
          "Replay 'done' has come to its end. What is to be delivered again takes a new one.",
        );
      }
      for (const what of ["pause", "resume"]) {
        expect(await here(`replay ${what} cancelled`, ...dry)).toMatchObject({
          code: 5,
          stderr: expect.stringContaining("Replay 'cancelled' was cancelled and has come to its end."),
        });
        expect(await here(`replay ${what} stopping`, ...dry)).toMatchObject({
          code: 5,
          stderr: expect.stringContaining("Replay 'stopping' was cancelled, and doesn't go on. Start a new one."),
        });
      }
    }
  });

  it("changes nothing in a dry run, and cancels nothing unconfirmed", async () => {
    const { here, hereJson, store } = await aNewCli();
    await store({ name: "r", progress: running });
    const unconfirmed = await here("replay cancel r");
    expect(unconfirmed).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining("Add --yes") });
    const dry = await here("replay pause r --dry-run");
    expect(dry).toMatchObject({
      code: 0,
      stdout: "",
      stderr: expect.stringMatching(/dry run: nothing was asked of it\n$/),
    });
    expect(await hereJson("replay cancel r --dry-run")).toMatchObject([{ changed: false, dry_run: true }]);
    expect(await hereJson("replay show r")).toMatchObject([{ status: "running", asked: "run", asked_by: null }]);
  });
});

describe("the help of replays", () => {
  it("has an example and the JSON option in each, fits a terminal, and names exit codes where they matter", async () => {
    for (const what of ["plan", "start", "list", "show", "watch", "pause", "resume", "cancel"]) {
      const { code, stdout } = await runHere(["replay", what, "--help"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/\nExamples?:\n {2}\$ turnout replay /);
      expect(stdout).toContain("--json");
      expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
      if (what === "start" || what === "watch") expect(stdout).toContain("Exit code: 0 when");
    }
    const { stdout } = await runHere(["undo", "--help"]);
    expect(stdout).toContain("Exit code: 0 when");
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });
});

/** A state that has been made: commands on replays make none. */
async function aNewCli() {
  const cli = aStoredCli();
  await cli.withState(async () => {});
  return cli;
}
