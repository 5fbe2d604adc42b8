import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { anEvent, bodyOf } from "../support/builders.ts";
import { aRoutedCli } from "../support/cli-process.ts";
import { aListener } from "../support/listener-process.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const RC = "release-coordinator";

/** A folder whose code says what it was given, and waits for ever for whoever is called so. */
function aFolder(
  code = 'export const handler = async ({ id }) => { console.log("ran", id); if (id.startsWith("slow")) await new Promise(() => {}); };',
) {
  const folder = join(temporaryFolder(), "code");
  mkdirSync(folder);
  writeFileSync(join(folder, "index.mjs"), code);
  return folder;
}

describe("turnout listen", () => {
  it("runs a customer's events on the folder's code, loads what is saved, and hands everything back at Ctrl-C", {
    timeout: 120_000,
  }, async () => {
    const cli = await aRoutedCli();
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

    const slow = async () =>
      (await cli.json(["events", "--since", "1h"])).filter(({ event_id }) => event_id === "slow");
    await expect.poll(async () => (await slow())[0]?.alias, { timeout: 20_000 }).toBe("stable");
    expect((await cli.json(["pins"])).length).toBe(0);
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
    expect(await told(aFolder(), "--mirror")).toMatch(/^2: .*--mirror needs shadows, which don't exist yet/);
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
    const until = new Date(Date.now() + 40_000).toISOString();
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
