import { beforeAll, describe, expect, it } from "vitest";
import { aHomeForAll, aReplayedCli, RC } from "../support/replayed-cli.ts";

const yes = ["--yes", "--reason", "a test"];

/**
 * acme's e-1 is of a project of the cohort's, e-2 is not; globex's e-3 went to beta by a pin and was given up; e-4 is
 * a user's. e-3 was replayed, to stable.
 */
async function aHistory(home: string) {
  const cli = await aReplayedCli(home);
  const at = new Date().toISOString();
  await cli.edit([
    { kind: "pin", level: "customer", id: "globex", component: RC, pin: { alias: "beta", who: "ada", why: "x", at } },
    { kind: "create cohort", cohort: "staff", description: "", who: "ada", at },
    { kind: "set members", cohort: "staff", members: ["project#acme/site"], member: true },
  ]);
  await cli.route(
    { id: "e-1", project: "acme/site", secondsAgo: 40 },
    { id: "e-2", project: "acme/api", secondsAgo: 30 },
    { id: "e-3", customer: "globex", fails: true, secondsAgo: 20 },
    { id: "e-4", user: "ada", secondsAgo: 10 },
  );
  await cli.here("replay start --customer globex --to-alias stable --name again", ...yes);
  await cli.drive("again");
  return cli;
}

describe("the filters of turnout events", () => {
  const home = aHomeForAll();
  let cli: Awaited<ReturnType<typeof aHistory>>;
  beforeAll(async () => {
    cli = await aHistory(home);
  });

  it.each([
    ["", ["e-1", "e-2", "e-3", "e-3", "e-4"]],
    [`--component ${RC}`, ["e-1", "e-2", "e-3", "e-3", "e-4"]],
    ["--project acme/site", ["e-1"]],
    ["--customer acme", ["e-1", "e-2"]],
    ["--plan free", ["e-3", "e-3"]],
    ["--cohort staff", ["e-1"]],
    ["--alias beta", ["e-3"]],
    ["--executed-version 2", ["e-3"]],
    ["--status dead", ["e-3", "e-3"]],
    ["--unresolved", ["e-3", "e-3"]],
    ["--status unresolved --alias stable", ["e-3"]],
    ["--because replay=destination", ["e-3"]],
    ["--because customer=pin", ["e-3"]],
    ["--replay again", ["e-3"]],
    ['--pattern {"detail":{"id":["e-1","e-4"]}}', ["e-1", "e-4"]],
    ['--pattern {"detail":{"metadata":{"customer":[{"exists":true}]}}} --alias stable', ["e-3"]],
    ["--customer acme --status done --limit 1", ["e-2"]],
    ["--user ada", ["e-4"]],
    ["--source shop", ["e-1", "e-2", "e-3", "e-3", "e-4"]],
    ["--source elsewhere --source shop --customer acme", ["e-1", "e-2"]],
    ["--customer acme --customer globex --status done", ["e-1", "e-2"]],
    ["--project acme/site --project acme/api", ["e-1", "e-2"]],
    ["--status dead --status done", ["e-1", "e-2", "e-3", "e-3", "e-4"]],
    ["--status unresolved --status done --customer globex", ["e-3", "e-3"]],
    ["--alias beta --alias nope", ["e-3"]],
    ["--executed-version 2 --executed-version 9", ["e-3"]],
    ["--cohort staff --cohort partners", ["e-1"]],
    ['--pattern {"detail":{"id":["e-1"]}} --pattern {"detail":{"id":["e-4"]}}', ["e-1", "e-4"]],
    ["--since 15s", ["e-4"]],
  ])("lets through what it says: %s", async (line, ids) => {
    // A rule's name has a blank, and a pattern none.
    const words = line.split(" ").filter(Boolean);
    const found = await cli.hereJson("events", ...words.map((word) => word.replace("=", " ")));
    expect(found.map(({ event_id }) => event_id)).toEqual(ids);
  });

  it("are the same for what a replay would deliver", async () => {
    const planned = async (...filter: string[]) => (await cli.hereJson("replay plan", ...filter))[0]?.matched;
    expect(await planned()).toBe(4);
    expect(await planned("--project", "acme/site")).toBe(1);
    expect(await planned("--plan", "free")).toBe(1);
    expect(await planned("--cohort", "staff")).toBe(1);
    expect(await planned("--executed-version", "2")).toBe(1);
    expect(await planned("--because", "customer pin")).toBe(1);
    expect(await planned("--pattern", '{"detail":{"id":["e-1","e-4"]}}')).toBe(2);
    expect(await planned("--since", "15s")).toBe(1);
    expect(await planned("--project", "acme/site", "--project", "acme/api")).toBe(2);
    expect(await planned("--project", "acme/site", "--customer", "acme", "--customer", "globex")).toBe(1);
    expect(await planned("--component", RC, "--component", "other", "--status", "done", "--status", "dead")).toBe(4);
  });

  it("never show one customer another one's events", async () => {
    for (const filter of [[], ["--status", "dead"], ["--alias", "beta"], ["--replay", "again"]]) {
      const found = await cli.hereJson("events --customer acme", ...filter);
      expect(found.filter(({ customer_id }) => customer_id !== "acme")).toEqual([]);
    }
  });

  it.each([
    ["--customer nobody", 0, "no events match --customer nobody\nthe directory has no customer nobody\n"],
    ["--project no/thing", 0, "no events match --project no/thing\nthe directory has no project no/thing\n"],
    [`--component ${RC} --executed-version 9`, 0, `${RC} has no version 9; it has 1, 2, 3\n`],
    ["--customer acme --status dead", 0, "no events match --customer acme --status dead\n"],
    ["--since 1h --since 2h", 2, "--since: it takes one value, and was given two."],
    [`--component ${RC} --component nope --status waiting`, 3, "No component 'nope'."],
    ["--component nope", 3, "No component 'nope'. There are: release-coordinator."],
    ["--alias nope", 3, "No component has an alias 'nope'. There are: stable, beta, experimental."],
    [`--component ${RC} --alias nope`, 3, `No alias 'nope' on ${RC}; it has stable, beta, experimental.`],
    ["--cohort nope", 3, "No cohort 'nope'. There are: staff."],
    ["--replay nope", 3, "No replay 'nope'. The newest are: again."],
    ["--from 2999-01-01", 2, "--from: 2999-01-01T00:00:00.000Z lies in the future. Name a time that has passed."],
    ["--unresolved --status dead", 2, "Name one of --unresolved and --status dead."],
    ["--status lost", 2, "--status: there is no 'lost'; there are claimed, done,"],
    ["--because chance", 2, "there is no rule 'chance'; there are all stable,"],
    ['--pattern {"source":"shop"}', 2, "--pattern: source must be an array of what may match"],
    ["--pattern []", 2, "--pattern: the pattern must be an object of fields, not an array."],
    ["--pattern {", 2, "--pattern: not JSON"],
  ])("says what is wrong where nothing comes of %s", async (line, code, message) => {
    const result = await cli.here(`events ${line}`);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
  });
});
