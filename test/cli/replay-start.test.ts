import { beforeAll, describe, expect, it } from "vitest";
import { aHomeForAll, aReplayedCli, RC } from "../support/replayed-cli.ts";

const yes = ["--yes", "--reason", "a test"];

/** Two events of acme and one of globex, at stable; a fourth is nobody's, and was given up. */
async function aShop(home?: string) {
  const cli = await aReplayedCli(home);
  await cli.route(
    { id: "e-1", project: "acme/site" },
    { id: "e-2", project: "acme/site" },
    { id: "e-3", customer: "globex" },
    { id: "e-4", fails: true },
  );
  return cli;
}

describe("turnout replay plan", () => {
  it("says what would be delivered to where, and sends and stores nothing", async () => {
    const { here, hereJson } = await aShop();
    const planned = await here("replay plan --since 1h");
    expect(planned.code).toBe(0);
    expect(planned.stdout).toMatch(/^matched per 5 minutes, UTC\n/);
    expect(planned.stdout).toContain(
      [
        "matched  4, of 4 stored events in the window",
        "status   3 done",
        "         1 dead",
        "handled  release-coordinator stable, version 1: 4",
        "send     4, now to:",
        "           release-coordinator stable, version 1: 4",
        "takes    about 1 s at 100/s",
        "         one project, one by one",
        "costs    less than $0.01 in requests on AWS\n",
      ].join("\n"),
    );
    expect(planned.stderr).toMatch(/^window {3}20\S+Z to 20\S+Z\nfilter {3}everything\nmode .*\nto .*\nstart it: /);
    expect(await here("replay list")).toMatchObject({ code: 0, stdout: "", stderr: "no replays\n" });

    const [json] = await hereJson("replay plan --to-alias beta --customer acme --rate 0.5");
    expect(json).toMatchObject({
      filter: { customer: "acme" },
      mode: "rerun",
      destination: "beta",
      scanned: 4,
      matched: 2,
      sent: 2,
      versions: [{ component: RC, alias: "beta", component_version: "2", count: 2 }],
      by_status: { done: 2 },
      handled_by: [{ component: RC, alias: "stable", component_version: "1", count: 2 }],
      projects: 1,
      most_of_one_project: 2,
      estimated_seconds: 4,
    });
  });

  it("prints the command that starts just that, in absolute times", async () => {
    const { shell, here } = await aShop();
    const filter = ["--pattern", '{"detail":{"id":[{"anything-but":"e-2"}]}}'];
    const { stderr } = await here(
      "replay plan --since 1h --customer acme --mode finish --original --rate 7",
      ...filter,
    );
    expect(stderr).not.toContain("start it");
    const again = await here("replay plan --since 1h --customer acme --original --concurrency 3 --rate 7", ...filter);
    const command = /^start it: (.*) --reason TEXT$/m.exec(again.stderr)?.[1];
    expect(command).toMatch(/^turnout replay start --from 20\S+Z --to 20\S+Z --customer acme --pattern /);
    const started = await shell(`${command} --reason 'it is time' --yes --name again`);
    expect(started).toMatchObject({ code: 0, stdout: "replay again started\n" });
    expect((await here("replay show again")).stdout).toMatch(/rate {5}7\/s, 3 at once\n/);
  });

  it("says so where a customer has no events, and exits with 0", async () => {
    const { here, hereJson } = await aShop();
    const nobody = await here("replay plan --customer nobody");
    expect(nobody).toMatchObject({
      code: 0,
      stdout: "nothing matches --customer nobody, of 4 stored events in the window\n",
      stderr: expect.stringContaining("the directory has no customer nobody\n"),
    });
    const [started] = await hereJson("replay start --customer nobody", ...yes);
    expect(started).toMatchObject({ started: false, replay: null, planned: { matched: 0, sent: 0 } });
  });
});

describe("turnout replay start", () => {
  it("stores a replay for a server to run, which delivers what was planned", async () => {
    const { here, hereJson, drive } = await aShop();
    const started = await here("replay start --customer acme --since 1h --name acme-again", ...yes);
    expect(started).toMatchObject({ code: 0, stdout: "replay acme-again started\n" });
    expect(started.stderr).toContain("send     2, now to:");
    expect(started.stderr).toContain(
      "cancel it: turnout replay cancel acme-again\nno server runs here: it begins when",
    );
    expect(await drive("acme-again")).toEqual({ ended: true });
    expect(await hereJson("replay list")).toMatchObject([
      { replay: "acme-again", status: "done", why: "a test", planned: { sent: 2 }, counts: { sent: 2, done: 2 } },
    ]);
    const delivered = await hereJson("events --replay acme-again");
    expect(delivered.map(({ event_id, generation }) => `${event_id} ${generation}`)).toEqual([
      "e-1 acme-again",
      "e-2 acme-again",
    ]);
    // A replay of a replay.
    const [replan] = await hereJson("replay plan --replay acme-again");
    expect(replan).toMatchObject({ matched: 2, sent: 2 });
  });

  it("starts nothing in a dry run, unconfirmed, or when more would be sent than was said", async () => {
    const { here, hereJson } = await aShop();
    const [dry, unconfirmed, many] = [
      await here("replay start --dry-run", "--reason", "x"),
      await here("replay start", "--reason", "x"),
      await here("replay start --at-most 3", ...yes),
    ];
    expect([dry, unconfirmed, many].map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, ""],
      [6, ""],
      [4, ""],
    ]);
    expect(dry.stderr).toMatch(/dry run: nothing was started\n$/);
    expect(unconfirmed.stderr).toContain("there is no terminal to ask on. Add --yes");
    expect(many.stderr).toContain("4 deliveries would be made, and --at-most says 3. Narrow the filter");
    expect(await hereJson("replay start --dry-run", ...yes)).toMatchObject([
      { started: false, dry_run: true, replay: null, planned: { sent: 4 } },
    ]);
    expect((await here("replay list")).stdout).toBe("");
  });

  it("needs the number beside --yes above a thousand deliveries", async () => {
    const { here, route } = await aReplayedCli();
    await route(...Array.from({ length: 1_001 }, (_, i) => ({ id: `e-${i}`, secondsAgo: 1 })));
    const bare = await here("replay start", ...yes);
    expect(bare).toMatchObject({ code: 6, stdout: "" });
    expect(bare.stderr).toContain("1001 deliveries would be made. Above 1000, --yes needs --at-most with the number");
    expect(await here("replay start --dry-run", ...yes)).toMatchObject({ code: 0 });
    expect(await here("replay start --at-most 1000", ...yes)).toMatchObject({ code: 4 });
    expect(await here("replay start --at-most 1001", ...yes)).toMatchObject({ code: 0 });
  });

  it("tells of others on the same window, and refuses the sixth that runs and a name that was used", async () => {
    const { here, store } = await aShop();
    const window = { from: new Date(Date.now() - 60_000), to: new Date() };
    await store({ name: "ended", progress: { endedAt: new Date() }, window });
    for (const name of ["a", "b", "c", "d"]) await store({ name, window });
    const taken = await here("replay start --name ended", ...yes);
    expect(taken).toMatchObject({ code: 5, stdout: "" });
    // Before anything is planned: nothing else is said.
    expect(taken.stderr).toMatch(/^turnout: There is a replay 'ended' already, .* Give this one another --name\.\n$/);
    const fifth = await here("replay start --name e", ...yes);
    expect(fifth).toMatchObject({ code: 0 });
    expect(fifth.stderr).toContain(
      "replay d is under way on a part of this window: what both match is delivered by both",
    );
    expect(fifth.stderr).not.toContain("replay ended");
    const sixth = await here("replay start --name f", ...yes);
    expect(sixth).toMatchObject({ code: 4, stdout: "" });
    expect(sixth.stderr).toMatch(
      /5 replays are under way \(.*\), and no more may be\. Wait for one, or cancel it\.\n$/,
    );
  });

  it("takes --mode finish to what is dead only, in the generation that it has", async () => {
    const { here, hereJson, drive } = await aShop();
    const [planned] = await hereJson("replay plan --mode finish");
    expect(planned).toMatchObject({ mode: "finish", matched: 4, sent: 1, skipped: { "done already": 3 } });
    await here("replay start --mode finish --name finish", ...yes);
    await drive("finish");
    const [shown] = await hereJson("replay show finish");
    expect(shown).toMatchObject({ status: "done", counts: { sent: 1, done: 0, dead: 1 } });
    expect(await hereJson("events --status dead")).toMatchObject([{ event_id: "e-4", generation: "live", attempt: 2 }]);
  });
});

describe("what can't be replayed", () => {
  const home = aHomeForAll();
  let shop: Awaited<ReturnType<typeof aShop>>;
  beforeAll(async () => {
    shop = await aShop(home);
  });

  it.each([
    ["a window in the future", "--from 2999-01-01", 2, "--from: 2999-01-01T00:00:00.000Z lies in the future"],
    [
      "a window that ends in the future",
      "--to 2999-01-01",
      2,
      "The window's end, 2999-01-01T00:00:00.000Z, lies in the future",
    ],
    ["an inverted window", "--from 2026-01-02 --to 2026-01-01", 2, "so it is empty"],
    ["two beginnings", "--from 2026-01-02 --since 1h", 2, "name one of them"],
    ["what is past its retention", "--from 2020-01-01 --to 2020-01-02", 2, "and what arrived since 20"],
    ["a bad duration", "--since 15", 2, "--since: expected a duration such as 15m"],
    ["a pattern that isn't JSON", '--pattern {"a":[}', 2, "--pattern: not JSON"],
    [
      "a pattern with an unknown operator",
      '--pattern {"a":{"b":[{"prefx":""}]}}',
      2,
      "a.b[0] has the unknown operator",
    ],
    ["an unknown status", "--status gone", 2, "--status: there is no 'gone'; there are claimed, done,"],
    ["an unknown rule", "--because chance", 2, "--because: there is no rule 'chance'; there are all stable,"],
    ["an unknown mode", "--mode again", 2, "--mode: there is no 'again'; there are rerun, finish."],
    ["two destinations", "--to-alias beta --original", 2, "Name one of --to-alias and --original."],
    ["a rate of nothing", "--rate 0", 2, "--rate: expected a number from 0.1 to 100000, or 'unlimited'"],
    ["a negative rate", "--rate -1", 2, "--rate: expected a number from 0.1"],
    ["a rate in words", "--rate abc", 2, "--rate: expected a number from 0.1"],
    ["no concurrency", "--concurrency 0", 2, "--concurrency: expected a whole number from 1 to 100."],
    ["too much concurrency", "--concurrency 101", 2, "--concurrency: expected a whole number from 1 to 100."],
    ["an unknown component", "--component nope", 3, `No component 'nope'. There are: ${RC}.`],
    ["an unknown alias", "--alias nope", 3, "No component has an alias 'nope'. There are: stable, beta,"],
    ["an alias that a component hasn't", `--component ${RC} --alias nope`, 3, `No alias 'nope' on ${RC}`],
    ["an unknown destination", "--to-alias nope", 3, `No alias 'nope' on ${RC}; it has stable, beta,`],
    ["an unknown cohort", "--cohort nope", 3, "No cohort 'nope'. There are no cohorts yet."],
    ["what an unknown replay delivered", "--replay nope", 3, "No replay 'nope'. There are none yet."],
    ["a reserved name", "--name live", 2, "A replay can't be called 'live'. Give this one another --name."],
    ["a name with a blank", "--name=a\u00a0b", 2, "--name: a replay's name has 1 to 64 lower-case letters"],
    ["an empty --at-most", "--at-most x", 2, "--at-most: expected a whole number from 0 up."],
  ])("refuses %s", async (_, line, code, message) => {
    const refused = await shop.here(`replay start ${line}`, ...yes);
    expect(refused).toMatchObject({ code, stdout: "" });
    expect(refused.stderr).toContain(message);
    expect(refused.stderr).toMatch(/turnout: .*\n$/);
  });

  it("refuses a reason that says nothing", async () => {
    const refused = await shop.here("replay start --yes", "--reason", " ");
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("--reason: say why") });
  });

  it("refuses a retired alias", async () => {
    const { here } = await aShop();
    expect(await here(`alias retire ${RC} beta`, ...yes)).toMatchObject({ code: 0 });
    const refused = await here("replay start --to-alias beta", ...yes);
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining(`Alias 'beta' of ${RC} is retired`) });
  });

  it("begins a window that reaches too far back where something is still stored, and says so", async () => {
    const planned = await shop.here("replay plan --since 400d");
    expect(planned).toMatchObject({ code: 0, stdout: expect.stringContaining("matched  4, of 4") });
    expect(planned.stderr).toMatch(
      /Events are kept for 30 days, and what arrived since 20\S+Z is still there: the window/,
    );
  });

  it("finds what a component handled that has been removed since, and skips it", async () => {
    const { hereJson, edit } = await aShop();
    await edit([{ kind: "put rows", rows: [{ key: `component#${RC}`, row: null }] }]);
    const [plan] = await hereJson(`replay plan --component ${RC}`);
    expect(plan).toMatchObject({ matched: 4, sent: 0, skipped: { "no component": 4 } });
  });
});
