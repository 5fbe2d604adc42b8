import { beforeAll, describe, expect, it } from "vitest";
import { aHomeForAll, aReplayedCli, RC } from "../support/replayed-cli.ts";

const yes = ["--yes", "--reason", "a test"];

/** e-2 and e-3 died of version 1. Both were run again by version 2, of which e-3 died as well. */
async function aRepairedState(home: string) {
  const cli = await aReplayedCli(home);
  await cli.route({ id: "e-1" }, { id: "e-2", fails: "1" }, { id: "e-3", fails: true });
  await cli.here("replay start --unresolved --to-alias beta --name again", ...yes);
  await cli.drive("again");
  return cli;
}

describe("an event that a later replay has made good", () => {
  const home = aHomeForAll();
  let cli: Awaited<ReturnType<typeof aRepairedState>>;
  beforeAll(async () => {
    cli = await aRepairedState(home);
  });

  it("is listed as repaired by it, and is no longer among what is dead or unresolved", async () => {
    const found = async (...filter: string[]) =>
      (await cli.hereJson("events", ...filter)).map(({ event_id, status, generation, repaired_by }) =>
        [event_id, generation, status, repaired_by].filter(Boolean).join(" "),
      );
    expect(await found()).toEqual([
      "e-1 live done",
      "e-2 live repaired again",
      "e-2 again done",
      "e-3 live dead",
      "e-3 again dead",
    ]);
    expect(await found("--status", "dead")).toEqual(["e-3 live dead", "e-3 again dead"]);
    expect(await found("--unresolved")).toEqual(["e-3 live dead", "e-3 again dead"]);
    expect(await found("--status", "repaired")).toEqual(["e-2 live repaired again"]);
    expect((await cli.here("events --status repaired")).stdout).toMatch(/ repaired by again +Broken: it broke\n$/);
  });

  it("names it in event show", async () => {
    const { stdout } = await cli.here("event show e-2");
    expect(stdout).toContain(`${RC} stable, repaired by again after 1 attempt\n`);
    expect(stdout).toContain(`${RC} beta, done after 1 attempt\n`);
    const [shown] = await cli.hereJson("event show e-2");
    expect(shown?.deliveries).toMatchObject([
      { status: "repaired", repaired_by: "again", reopened_by: null },
      { status: "done", repaired_by: null },
    ]);
  });

  it("names it in explain, beside the version that had failed", async () => {
    const { stdout } = await cli.here("explain --event e-2");
    expect(stdout).toContain(`${RC} stable, repaired by again, run by version 1\n`);
    expect(stdout).toContain(`${RC} beta, done by version 2\n`);
  });

  it("is told as skipped by the plan of a replay of the dead, with which replay did it", async () => {
    for (const line of ["--status dead", "--unresolved", "--unresolved --mode finish"]) {
      const { stdout } = await cli.here(`replay plan ${line}`);
      expect(stdout).toContain(
        "           1 repaired: it is dead, and a later replay has made it good\n             1 by again\n",
      );
      expect(stdout).toContain("send     1, now to:\n");
      const [plan] = await cli.hereJson(`replay plan ${line}`);
      expect(plan).toMatchObject({ sent: 1, skipped: { repaired: 1 }, repaired_by: { again: 1 } });
    }
  });

  it("isn't delivered by one", async () => {
    await cli.here("replay start --unresolved --mode finish --name finish", ...yes);
    await cli.drive("finish");
    expect(await cli.hereJson("replay show finish")).toMatchObject([
      { counts: { sent: 1, dead: 1, skipped: { repaired: 1, superseded: 1 } }, not_as_planned: [] },
    ]);
    const [, , , , last] = await cli.hereJson("events");
    expect(last).toMatchObject({ event_id: "e-3", generation: "again", reopened_by: "finish", status: "dead" });
    expect((await cli.here("event show e-3")).stdout).toContain("  reopened     by finish\n");
  });
});
