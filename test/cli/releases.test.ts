import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { noCounts } from "../../shared/domain/replays/replay.ts";
import { DEFAULT_GUARDRAILS } from "../../shared/domain/routing/guardrails.ts";
import { releaseEdit } from "../../shared/domain/routing/release-edit.ts";
import { advanceReleases } from "../../shared/flows/release/advance-releases.ts";
import { healingReplay } from "../../shared/flows/release/heal-release.ts";
import { runHere } from "../support/cli-in-process.ts";
import { aRelease } from "../support/releases.ts";
import { aReplayedCli, RC } from "../support/replayed-cli.ts";

async function aReleasingCli() {
  const { home } = await aReplayedCli();
  return (args: readonly string[]) => runHere(args, home);
}

/** What the command prints as JSON. */
const json = ({ stdout }: { stdout: string }) => JSON.parse(stdout);

it("a release is planned, begun, paused, resumed and taken back, each with its undo", async () => {
  const run = await aReleasingCli();
  const start = [
    "release",
    "start",
    RC,
    "--version",
    "1",
    "--through",
    "plan:free,5%",
    "--every",
    "10m",
    "--reason",
    "It's faster",
  ];
  // Stable is at version 1 already.
  expect(await run([...start, "-y"])).toMatchObject({ code: 4 });
  start[4] = "2";
  const dry = await run([...start, "--dry-run", "--json"]);
  expect(json(dry)).toMatchObject({ dry_run: true, changed: false, id: "2-it-s-faster", steps: ["plan free", "5%"] });
  const begun = await run([...start, "-y"]);
  expect(begun.stderr).toContain("    plan free");
  expect(begun.stderr).toContain("warning: plan free moves nobody");
  expect(begun.stderr).toMatch(/undo: turnout release abort 2-it-s-faster --reason "undo of revision \d+"/);
  expect(await run([...start, "--name", "other", "-y"])).toMatchObject({ code: 4 });
  expect((await run(["release", "list"])).stdout).toMatch(/2-it-s-faster +release-coordinator +2 +not begun/);
  const about = ["2-it-s-faster", "--reason", "lunch", "-y"];
  expect((await run(["release", "pause", ...about])).stderr).toContain("undo: turnout release resume 2-it-s-faster");
  expect(json(await run(["release", "show", "2-it-s-faster", "--json"]))).toMatchObject({
    state: "paused",
    paused: { why: "lunch" },
    next: "nothing, until it is resumed",
  });
  expect((await run(["release", "resume", ...about])).stderr).toContain("undo: turnout release pause 2-it-s-faster");
  const aborted = await run(["release", "abort", ...about]);
  expect(aborted.stderr).toContain(
    `undo: turnout release start ${RC} --version 2 --alias beta --through plan:free,5% --every 10m --guard undo`,
  );
  expect((await run(["release", "show", "2-it-s-faster"])).stdout).toContain("being taken back by");
});

it.each([
  [["release", "show", "nope"], 3, "There are none yet."],
  [
    ["release", "start", RC, "--version", "2", "--through", "25%,5%", "--every", "1m", "--reason", "x"],
    2,
    "a share can only grow",
  ],
  [
    ["release", "start", RC, "--version", "9", "--through", "5%", "--every", "1m", "--reason", "x"],
    3,
    "has no version 9",
  ],
  [
    ["release", "start", RC, "--version", "2", "--through", "cohort:x", "--every", "1m", "--reason", "x"],
    3,
    "No cohort 'x'",
  ],
])("%s is refused", async (args, code, message) => {
  const run = await aReleasingCli();
  const refused = await run(args);
  expect(refused.code).toBe(code);
  expect(refused.stderr).toContain(message);
});

it("a release's start says at which step it would need --force", async () => {
  const cli = await aReplayedCli();
  const guardrails = { ...DEFAULT_GUARDRAILS, protectedSubjects: ["plan#free"] };
  await cli.edit([{ kind: "set guardrails", guardrails }]);
  const start = ["release", "start", RC, "--version", "2", "--through", "plan:free,5%", "--every", "10m", "--dry-run"];
  const said = await runHere([...start, "--reason", "faster"], cli.home);
  expect(said.stderr).toContain(
    "'plan free' needs --force, or it pauses there: events of plan free would move on release-coordinator, and are protected",
  );
  const forced = await runHere([...start, "--reason", "faster", "--force"], cli.home);
  expect(forced.stderr).toContain("past a guardrail at 'plan free'");
});

it("a release's steps are made by the server, and told on the bus", async () => {
  const cli = await aReplayedCli();
  const start = ["release", "start", RC, "--version", "2", "--through", "plan:free,5%", "--every", "10m"];
  await runHere([...start, "--reason", "faster", "-y"], cli.home);
  const told: { "detail-type": string; detail: Record<string, unknown> }[] = [];
  await cli.withState((state) =>
    advanceReleases({
      ...state,
      callReplayer: async () => undefined,
      notify: async (event) => void told.push(JSON.parse(event)),
      now: () => new Date(),
      random: Math.random,
      newId: randomUUID,
    }),
  );
  expect(told).toMatchObject([
    { "detail-type": "Release Step", detail: { release: "2-faster", did: "step", step: "plan free", version: "2" } },
  ]);
  expect((await runHere(["release", "show", "2-faster"], cli.home)).stdout).toContain("[>] plan free");
});

it("a release that was stopped tells of its steps, its replay, where its aliases point, and how it is begun again", async () => {
  const cli = await aReplayedCli();
  const way = {
    steps: aRelease().steps.slice(2),
    made: 0,
    aliasBefore: "2",
    version: "3",
    id: "3-faster",
    maxWaitMs: 3_600_000,
  };
  const release = aRelease(way);
  const at = release.startedAt;
  const bad = { version: "3", alias: "beta", why: "it fails", at };
  const [who, why] = ["release/3-faster", "9 of 10 failed"];
  await cli.edit([
    releaseEdit(RC, release, { do: "start", release }),
    releaseEdit(RC, release, { do: "step", id: release.id, made: 0, at }),
    { kind: "change component", component: RC, change: { set: "bad version", bad } },
    releaseEdit(RC, release, { do: "take back", id: release.id, how: "stopped", who, why, at }),
  ]);
  const shown = async () => (await runHere(["release", "show", release.id], cli.home)).stdout;
  expect(await shown()).toContain(`replay: ${healingReplay(release)}, not begun\n`);
  await cli.edit([releaseEdit(RC, release, { do: "end", id: release.id })]);
  const counts = { ...noCounts(), matched: 8, sent: 8 };
  await cli.store({
    name: healingReplay(release),
    planned: counts,
    progress: { endedAt: new Date(), counts: { ...counts, done: 7, dead: 1 } },
  });
  const lines = (await shown()).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining(["  [-] 5%  taken back", "  [ ] 100%  not made", "  [ ] everybody: stable  not made"]),
  );
  expect(lines).toContain("now: beta points at version 2, stable at version 1");
  const name = healingReplay(release);
  expect(lines).toContain(`replay: ${name}, done: 8 of 8 sent, 7 done, 1 dead; see 'turnout replay show ${name}'`);
  const again = lines.find((line) => line.startsWith("start it again: "))?.slice("start it again: ".length) ?? "";
  expect(again).toContain(" --max-wait 1h --force --reason TEXT");
  expect(await cli.shell(`${again} --dry-run`)).toMatchObject({ code: 0 });
  const watched = await runHere(["release", "watch", release.id], cli.home);
  expect(watched.stdout).toBe(await shown());
  expect(json(await runHere(["release", "show", release.id, "--json"], cli.home))).toMatchObject({
    step_states: ["taken back", "not made", "not made"],
    alias_points_at: "2",
    into_points_at: "1",
    replay: { name, planned: 8, sent: 8, done: 7, dead: 1 },
  });
});
