import { beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_GUARDRAILS } from "../../shared/domain/routing/guardrails.ts";
import { aHomeForAll, aReplayedCli, RC } from "../support/replayed-cli.ts";

const yes = ["--yes", "--reason", "2 is bad"];
const undo = `undo ${RC} beta --all`;

/** Beta is at version 2, and globex on beta: version 2 has handled two of its events, one of which it gave up. */
async function aBadVersion() {
  const cli = await aReplayedCli();
  const pin = { alias: "beta", who: "ada", why: "tries it", at: new Date().toISOString() };
  await cli.edit([{ kind: "pin", level: "customer", id: "globex", component: RC, pin }]);
  await cli.route(
    { id: "e-1", customer: "globex" },
    { id: "e-2", customer: "acme" },
    { id: "e-3", customer: "globex", fails: true },
  );
  const aliases = async () =>
    Object.fromEntries((await cli.hereJson(`aliases ${RC}`)).map(({ alias, version }) => [alias, version]));
  return { ...cli, aliases };
}

describe("turnout undo", () => {
  it("rolls back and replays what the version handled, as one plan with one pair of entries in the log", async () => {
    const { here, hereJson, drive, aliases } = await aBadVersion();
    const undone = await here(`${undo} --name undo-1`, ...yes);
    expect(undone).toMatchObject({
      code: 0,
      stdout: `revision 12: roll beta of ${RC} back from 2 to version 1\nreplay undo-1 started\n`,
    });
    expect(undone.stderr).toMatch(/beta has been at 2 since 20\S+Z, revision \d+ by ada: a test\n/);
    expect(undone.stderr).toContain("subjects of the directory that are on beta: 1 (customer globex)\n");
    expect(undone.stderr).toMatch(/and run again all that version 2 has handled since 20\S+Z:\nwindow {3}20/);
    expect(undone.stderr).toContain("send     2, now to:\n           release-coordinator beta, version 1: 2\n");
    expect(undone.stderr).toContain(`undo: turnout alias set ${RC} beta 2 --reason 'undo of revision 12'\n`);
    expect(await aliases()).toMatchObject({ beta: "1", stable: "1" });
    expect(await hereJson("history --limit 2")).toMatchObject([
      { why: "2 is bad", move: { kind: "rollback", stage: "intended", replay: "undo-1" } },
      { why: "2 is bad", move: { kind: "rollback", stage: "settled", replay: "undo-1" } },
    ]);

    expect(await drive("undo-1")).toEqual({ ended: true });
    expect(await hereJson("replay show undo-1")).toMatchObject([
      { status: "done", avoid_version: "2", counts: { sent: 2, done: 1, dead: 1 }, not_as_planned: [] },
    ]);
    const again = await hereJson("events --replay undo-1");
    expect(again.map(({ event_id, component_version }) => `${event_id} ${component_version}`)).toEqual([
      "e-1 1",
      "e-3 1",
    ]);
  });

  it("finishes what the version left unresolved, in the generation that it has, and leaves what it has done", async () => {
    const { here, hereJson, drive } = await aBadVersion();
    const undone = await here(`undo ${RC} beta --name u`, ...yes);
    expect(undone.stderr).toMatch(/and finish what version 2 has handled since 20\S+Z:\n/);
    expect(undone.stderr).toContain("of them  0 done before, 1 unresolved\n");
    expect(undone.stderr).toContain("1 that it has done stay as they are; --all runs them again\n");
    expect(await drive("u")).toEqual({ ended: true });
    const [replay] = await hereJson("replay show u");
    expect(replay).toMatchObject({ mode: "finish", counts: { sent: 1 } });
    const again = await hereJson("events --replay u");
    expect(again.map(({ event_id, generation }) => `${event_id} ${generation}`)).toEqual(["e-3 live"]);
  });

  it("prints what it did as JSON, and changes nothing in a dry run or unconfirmed", async () => {
    const { here, hereJson, aliases } = await aBadVersion();
    const plan = { component: RC, alias: "beta", from: "2", to: "1", planned: { sent: 2 } };
    expect(await hereJson(`${undo} --dry-run`, ...yes)).toMatchObject([
      { ...plan, dry_run: true, changed: false, replay: null, revision: 10, undo: null },
    ]);
    const unconfirmed = await here(undo, "--reason", "x");
    expect(unconfirmed).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining("Add --yes") });
    expect(await here(`${undo} --at-most 1`, ...yes)).toMatchObject({ code: 4, stdout: "" });
    expect(await here(`${undo} --expect-revision 3`, ...yes)).toMatchObject({ code: 5, stdout: "" });
    expect(await aliases()).toMatchObject({ beta: "2" });
    expect(await here("replay list")).toMatchObject({ stderr: "no replays\n" });

    const [undone, started] = await hereJson(`${undo} --expect-revision 10 --at-most 2 --name u`, ...yes);
    expect(undone).toMatchObject({
      ...plan,
      dry_run: false,
      changed: true,
      replay: "u",
      revision: 12,
      undo: `turnout alias set ${RC} beta 2 --reason 'undo of revision 12'`,
    });
    expect(started).toMatchObject({ started: true, replay: "u" });
  });

  it("moves nothing when the replay could not be started: its name is taken, or too many are under way", async () => {
    const { here, store, aliases } = await aBadVersion();
    for (const name of ["a", "b", "c", "d", "e"]) await store({ name });
    const taken = await here(`${undo} --name a`, ...yes);
    expect(taken).toMatchObject({ code: 5, stdout: "", stderr: expect.stringContaining("a replay 'a' already") });
    const reserved = await here(`${undo} --name live`, ...yes);
    expect(reserved).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("can't be called 'live'") });
    const busy = await here(undo, ...yes);
    expect(busy).toMatchObject({ code: 4, stdout: "" });
    expect(busy.stderr).toContain("Nothing was changed: 5 replays are under way (a, b, c, d, e), and no more may be.");
    expect(busy.stderr).toContain(`roll back alone with 'turnout rollback ${RC} beta --to 1 --reason TEXT'`);
    expect(await aliases()).toMatchObject({ beta: "2" });
  });

  it("has a replay also where the version has handled nothing yet: it may, until it is rolled back", async () => {
    const { hereJson } = await aReplayedCli();
    const [undone, started] = await hereJson(undo, ...yes);
    expect(undone).toMatchObject({ changed: true, replay: expect.stringMatching(/^undo-/), planned: { sent: 0 } });
    expect(started).toMatchObject({ started: true, planned: { sent: 0 } });
  });

  it("covers what was handled up to the rollback", async () => {
    const { hereJson } = await aBadVersion();
    const before = Date.now();
    const [undone] = await hereJson(undo, ...yes);
    const [replay] = await hereJson(`replay show ${undone?.replay}`);
    expect(replay).toMatchObject({ asked: "run", status: "queued" });
    expect(Date.parse(String(replay?.to))).toBeGreaterThanOrEqual(before);
  });

  it("replays what was handled since the time that is named", async () => {
    const { hereJson } = await aBadVersion();
    const [plan] = await hereJson(`${undo} --since 1ms --dry-run`, ...yes);
    expect(plan).toMatchObject({ planned: { sent: 0 } });
    const [whole] = await hereJson(`${undo} --since 1h --dry-run`, ...yes);
    expect(whole).toMatchObject({ planned: { sent: 2 } });
  });

  it("replays what its filter lets through, and counts apart what was done and what is unresolved", async () => {
    const { here, hereJson, route, drive } = await aBadVersion();
    await route({ id: "e-4", customer: "globex", project: "globex/shop", fails: "2" });
    const counted = async (...filter: string[]) => {
      const [{ planned } = { planned: {} }] = await hereJson(`${undo} --dry-run`, ...yes, ...filter);
      const { sent, sent_done, sent_unresolved } = planned as Record<string, number>;
      return [sent, sent_done, sent_unresolved];
    };
    expect(await counted()).toEqual([3, 1, 2]);
    expect(await counted("--status", "done")).toEqual([1, 1, 0]);
    expect(await counted("--unresolved")).toEqual([2, 0, 2]);
    expect(await counted("--project", "globex/shop", "--status", "dead")).toEqual([1, 0, 1]);
    expect(await counted("--customer", "acme")).toEqual([0, 0, 0]);
    expect(await counted("--plan", "free")).toEqual([3, 1, 2]);
    expect(await counted("--cohort", "staff")).toEqual([0, 0, 0]);
    expect(await counted("--because", "customer pin")).toEqual([3, 1, 2]);
    expect(await counted("--pattern", '{"detail":{"id":["e-1"]}}')).toEqual([1, 1, 0]);

    const undone = await here(`${undo} --unresolved --project globex/shop --name u`, ...yes);
    expect(undone.stderr).toContain("send     1, now to:\n");
    expect(undone.stderr).toContain("of them  0 done before, 1 unresolved\n");
    await drive("u");
    expect(await hereJson("replay show u")).toMatchObject([
      { filter: { status: "unresolved", project: "globex/shop", executed_version: "2" }, counts: { sent: 1, done: 1 } },
    ]);
    expect((await hereJson("events --unresolved")).map(({ event_id }) => event_id)).toEqual(["e-3"]);
  });

  it("skips what would go to the bad version all the same, by another alias", async () => {
    const { hereJson, promote, edit } = await aBadVersion();
    await promote("experimental", null, "2");
    const [at, until] = [0, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString()) as [string, string];
    const pin = { alias: "experimental", who: "ada", why: "tries it", at, until };
    await edit([{ kind: "pin", level: "customer", id: "globex", component: RC, pin }]);
    const [plan] = await hereJson(`${undo} --dry-run`, ...yes);
    expect(plan).toMatchObject({ planned: { matched: 2, sent: 0, skipped: { "same version": 2 } } });
  });

  it("is allowed in a freeze", async () => {
    const { here, edit } = await aBadVersion();
    const freeze = { who: "ada", why: "incident 42", at: new Date().toISOString() };
    await edit([{ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze } }]);
    expect(await here(undo, ...yes)).toMatchObject({ code: 0 });
  });

  it("refuses an alias of which the log doesn't know since when, unless that is said", async () => {
    const { here, withState } = await aReplayedCli();
    await withState(({ catalog }) => catalog.moveAlias(RC, "beta", "3", "2"));
    const refused = await here(`${undo} --to 1`, ...yes);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain(`doesn't say since when beta of ${RC} has been at 3. Say it with --since.`);
    expect(await here(`${undo} --to 1 --since 1h`, ...yes)).toMatchObject({ code: 0 });
  });
});

describe("an alias with nothing to go back to", () => {
  it("is told that no version can be named, where none was ever there", async () => {
    const { here } = await aReplayedCli();
    for (const command of ["undo", "rollback"]) {
      const refused = await here(`${command} ${RC} stable`, ...yes);
      expect(refused).toMatchObject({ code: 3, stdout: "" });
      expect(refused.stderr).toContain("before 1. No other version that there is was ever there. Point it at one with");
      expect(refused.stderr).not.toContain("--to");
    }
  });

  it("is told to name one, where one was there", async () => {
    const { here } = await aReplayedCli();
    expect(await here(`rollback ${RC} beta`, ...yes)).toMatchObject({ code: 0 });
    const refused = await here(`rollback ${RC} beta`, ...yes);
    expect(refused.stderr).toContain("before 1. Name another with --to");
    expect(await here(`rollback ${RC} beta --to 2`, ...yes)).toMatchObject({ code: 0 });
  });
});

describe("what can't be undone", () => {
  const home = aHomeForAll();
  let cli: Awaited<ReturnType<typeof aReplayedCli>>;
  beforeAll(async () => {
    cli = await aReplayedCli(home);
  });

  it.each([
    ["an unknown component", "undo nope beta", 3, "No component 'nope'"],
    ["an unknown alias", `undo ${RC} nope`, 3, `No alias 'nope' on ${RC}`],
    ["an alias that points nowhere", `undo ${RC} experimental`, 3, "points at no version, so there is nothing to roll"],
    [
      "an alias with nothing to go back to",
      `undo ${RC} stable`,
      3,
      "Nothing to roll back to: the change log knows of no",
    ],
    ["an unknown version", `${undo} --to 9`, 3, `${RC} has no version 9; it has 1, 2, 3.`],
    ["the version that it points at", `${undo} --to 2`, 2, "points at version 2 already. Name another with --to."],
    ["a bad duration", `${undo} --since soon`, 2, "--since: expected a duration such as"],
    ["a bad name", `${undo} --name Bad`, 2, "--name: a replay's name has 1 to 64"],
    ["two statuses", `${undo} --unresolved --status done`, 2, "Name one of --unresolved and --status done."],
    ["another version than the one that it leaves", `${undo} --executed-version 1`, 2, "unknown option"],
    ["a rate of nothing", `${undo} --rate 0`, 2, "--rate: expected"],
  ])("refuses %s", async (_, line, code, message) => {
    const refused = await cli.here(line, ...yes);
    expect(refused).toMatchObject({ code, stdout: "" });
    expect(refused.stderr).toContain(message);
  });
});
