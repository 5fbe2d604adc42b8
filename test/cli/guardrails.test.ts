import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DEFAULT_GUARDRAILS } from "../../shared/domain/routing/guardrails.ts";
import { runHere } from "../support/cli-in-process.ts";
import { aRoutedCli, undoIn } from "../support/cli-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const why = ["--reason", "a test", "--yes"];
const rc = "release-coordinator";
const pinAcme = ["pin", "--customer", "acme", "--component", rc, "--to", "beta", ...why];

describe("turnout freeze", () => {
  it("stops changes but for those that take something back, says who and why, and is taken back", async () => {
    const { turnout, json, shell, withState } = await aRoutedCli();
    expect(await turnout(pinAcme)).toMatchObject({ code: 0 });
    const frozen = await turnout(["freeze", "--reason", "incident 42", "--yes"]);
    expect(frozen).toMatchObject({ code: 0, stdout: "revision 4: freeze the routing\n" });
    const head = () => withState(({ routingTable }) => routingTable.head());
    const refused = await Promise.all([
      turnout(["unpin", "--customer", "acme", "--component", rc, ...why]),
      turnout(["unpin", "--customer", "acme", "--component", rc, ...why, "--dry-run"]),
      turnout(["cohort", "create", "staff", ...why]),
      turnout(["rollout", "set", rc, "--to", "beta", "--by", "user", "--share", "5%", ...why]),
      turnout(["directory", "set", "--customer", "acme", "--plan", "free", ...why]),
      turnout(["alias", "add", rc, "x", ...why]),
    ]);
    for (const { code, stdout, stderr } of refused) {
      expect([code, stdout]).toEqual([4, ""]);
      expect(stderr).toMatch(/Nothing was changed: changes are frozen by .* since 20.*Z: incident 42 .*--force/);
    }
    expect(await head()).toBe(4);
    const again = await turnout(["freeze", "--reason", "again", "--yes"]);
    expect(again.stderr).toContain("incident 42");
    expect(await turnout(["revert", "3", ...why])).toMatchObject({ code: 0 });
    expect(await turnout(["all-stable", rc, ...why])).toMatchObject({ code: 0 });
    expect(await turnout(["all-stable", rc, "--off", ...why])).toMatchObject({ code: 4 });
    expect(await turnout(["all-stable", rc, "--off", "--force", ...why])).toMatchObject({ code: 0 });
    const log = await withState(({ routingTable }) => routingTable.changesAfter(4, 9));
    expect(log.map(({ forced }) => forced)).toEqual([undefined, undefined, true]);
    expect(await shell(`${undoIn(frozen)} --yes`)).toMatchObject({ code: 0 });
    expect(await json(["guardrails", "show"])).toEqual([expect.objectContaining({ frozen: null })]);
    expect(await turnout(pinAcme)).toMatchObject({ code: 0 });
  });
});

describe("an alias", () => {
  it("isn't moved to another version while changes are frozen, unless it is forced", async () => {
    const { turnout, edit, withState } = await aRoutedCli();
    const folder = temporaryFolder();
    writeFileSync(join(folder, "index.mjs"), "export async function handler() {}\n");
    const freeze = { who: "ada", why: "incident 42", at: "2026-01-01T00:00:00.000Z" };
    await edit([{ kind: "set guardrails", guardrails: { ...DEFAULT_GUARDRAILS, freeze } }]);
    const publish = ["publish-version", rc, folder, ...why];
    expect(await turnout(publish)).toMatchObject({ code: 4, stderr: expect.stringContaining("incident 42") });
    expect(await turnout([...publish, "--no-alias"])).toMatchObject({ code: 0 });
    const move = ["alias", "set", rc, "beta", "1", ...why];
    expect(await turnout(move)).toMatchObject({ code: 4, stderr: expect.stringContaining("incident 42") });
    expect(await turnout([...move, "--force"])).toMatchObject({ code: 0 });
    const log = await withState(({ routingTable }) => routingTable.changesAfter(3, 9));
    expect(log).toMatchObject([
      { forced: true, rows: [], move: { stage: "intended" } },
      { forced: true, rows: [], move: { stage: "settled" } },
    ]);
  });
});

describe("turnout all-stable", () => {
  it("sends everything to the fallback, whatever the rules say, until it is taken back", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    await turnout(pinAcme);
    const set = await turnout(["all-stable", rc, "--reason", "24 is bad", "--yes"]);
    expect(set.stderr).toContain("customer acme: release-coordinator beta → stable");
    const where = () => json(["explain", "--component", rc, "--customer", "acme"]);
    expect(await where()).toEqual([expect.objectContaining({ alias: "stable", because: "all stable" })]);
    expect((await turnout(["all-stable", rc, ...why])).stderr).toContain("already, by");
    expect(await shell(`${undoIn(set)} --yes`)).toMatchObject({ code: 0 });
    expect(await where()).toEqual([expect.objectContaining({ alias: "beta" })]);
    expect((await turnout(["all-stable", "nope", ...why])).code).toBe(3);
  });
});

describe("a guardrail", () => {
  it("never refuses all-stable, whose undo says that it goes past it", async () => {
    const { turnout, json, shell } = await aRoutedCli();
    await turnout(pinAcme);
    const guarded = ["--protect", "customer#acme", "--max-customers-off", "0", "--max-event-share-off", "0%"];
    expect(await turnout(["guardrails", "set", ...guarded, ...why])).toMatchObject({ code: 0 });
    const set = await turnout(["all-stable", rc, ...why]);
    expect(set).toMatchObject({ code: 0, stderr: expect.stringContaining("customer acme") });
    expect(await turnout(["all-stable", rc, "--off", ...why])).toMatchObject({ code: 4 });
    expect(await shell(`${undoIn(set)} --yes`)).toMatchObject({ code: 0 });
    const where = await json(["explain", "--component", rc, "--customer", "acme"]);
    expect(where).toEqual([expect.objectContaining({ alias: "beta" })]);
  });
});

describe("turnout guardrails", () => {
  it("warn of a protected subject that the directory doesn't know, and only as it is added", async () => {
    const { turnout } = await aRoutedCli();
    const set = async (...args: string[]) => (await turnout(["guardrails", "set", ...args, ...why])).stderr;
    expect(await set("--protect", "customer#acmee", "plan#free", "--max-customers-off", "5")).toContain(
      "warning: the directory has no customer acmee: it is protected in events that name it themselves\n",
    );
    expect(await set("--max-customers-off", "6")).not.toContain("warning");
    expect(await set("--unprotect", "customer#acmee")).not.toContain("warning");
  });

  it("say when a budget is exceeded already as it is set, and set it all the same", async () => {
    const { turnout } = await aRoutedCli();
    await turnout(["pin", "--customer", "acme", "--component", rc, "--to", "beta", ...why]);
    const set = (most: string) => turnout(["guardrails", "set", "--max-customers-off", most, ...why]);
    const over = await set("0");
    expect(over).toMatchObject({ code: 0, stdout: expect.stringContaining("set guardrails") });
    expect(over.stderr).toContain(`warning: 1 customer off ${rc}'s default alias already, over 0\n`);
    expect((await set("1")).stderr).not.toContain("warning");
  });

  it("are set one by one and shown, and refuse what exceeds them, unless it is forced", async () => {
    const { turnout, json, shell, withState } = await aRoutedCli();
    const args = ["--max-customers-off", "1", "--protect", "customer#globex", "plan#free"];
    expect(await turnout(["guardrails", "set", ...args, ...why])).toMatchObject({ code: 0 });
    const second = ["--max-event-share-off", "5%", "--unprotect", "plan#free", "--expiry-required-for", "beta"];
    const set = await turnout(["guardrails", "set", ...second, ...why]);
    expect(await json(["guardrails", "show"])).toEqual([
      {
        frozen: null,
        max_customers_off: 1,
        max_event_share_off: "5%",
        protected: ["customer#globex"],
        expiry_required_for: ["beta"],
        routing_revision: 4,
      },
    ]);
    const endless = await turnout(pinAcme);
    expect(endless).toMatchObject({
      code: 4,
      stderr: expect.stringContaining("beta needs an end: add --for or --until"),
    });
    expect(await shell(`${undoIn(set)} --yes`)).toMatchObject({ code: 0 });
    const everybody = ["component", "default", rc, "beta", ...why];
    expect((await turnout(everybody)).stderr).toContain("events of customer globex, plan free would move");
    const free = ["guardrails", "set", "--unprotect", "plan#free", "customer#globex", "--max-customers-off", "0"];
    expect(await turnout([...free, ...why])).toMatchObject({ code: 0 });
    expect((await turnout(pinAcme)).stderr).toContain("1 customers would sit off");
    const [forced] = await json([...pinAcme, "--force"]);
    expect(forced).toMatchObject({ changed: true, objections: [expect.stringContaining("the budget is 0")] });
    const [newest] = await withState(({ routingTable }) => routingTable.changesAfter(Number(forced?.revision) - 1, 1));
    expect(newest).toMatchObject({ forced: true });
    const none = ["--max-customers-off", "none", "--no-expiry-required-for"];
    expect(await turnout(["guardrails", "set", ...none, ...why])).toMatchObject({ code: 0 });
    expect((await turnout(["guardrails", "show"])).stdout).toMatch(/max customers off +none\n(.*\n){2}.* no alias\n$/);
  });

  it("are taken back in one series with other changes", async () => {
    const { turnout, json } = await aRoutedCli();
    await turnout(pinAcme);
    await turnout(["guardrails", "set", "--max-customers-off", "5", ...why]);
    expect(await turnout(["revert", "3..4", ...why])).toMatchObject({ code: 0 });
    expect(await json(["pins"])).toEqual([]);
    expect(await json(["guardrails", "show"])).toEqual([expect.objectContaining({ max_customers_off: null })]);
  });

  it("ask for an end of a pin to experimental before anybody has set one", async () => {
    const { turnout, shell } = await aRoutedCli();
    const pin = ["pin", "--customer", "acme", "--component", rc, "--to", "experimental", ...why];
    expect(await turnout(pin)).toMatchObject({ code: 4, stderr: expect.stringContaining("add --for or --until") });
    expect(await turnout([...pin, "--for", "3d"])).toMatchObject({ code: 0 });
    expect(await turnout([...pin, "--force"])).toMatchObject({ code: 0 });
    // The endless pin could not be set again as a pin.
    const replaced = await turnout(pinAcme);
    expect(await shell(`${undoIn(replaced)} --yes`)).toMatchObject({ code: 0 });
  });

  it.each([
    ["nothing to set", [], "Name at least one"],
    ["a subject without a level", ["--protect", "acme"], "--protect acme: expected a subject"],
    ["a share over 100 %", ["--max-event-share-off", "101%"], "at most 100%"],
    ["less than no customers", ["--max-customers-off", "-1"], "whole number"],
    ["a name that can't be an alias", ["--expiry-required-for", "Not one"], "lower-case"],
  ])("refuse %s", async (_, args, message) => {
    const refused = await runHere(["guardrails", "set", ...args, ...why], (await aRoutedCli()).home);
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toContain(message);
  });
});
