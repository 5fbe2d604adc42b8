import { execFileSync } from "node:child_process";
import { beforeAll, describe, expect, it } from "vitest";
import { aPin } from "../support/builders.ts";
import { aHomeForAll, aReplayedCli, RC } from "../support/replayed-cli.ts";

/** An id that no shell may read, and no terminal show, as it stands. */
const ODD = "it's $(touch x) \u202e=café";

/** Ten customers on beta, at version 2, which breaks for one of them; all others on stable. */
async function aBetaThatFailsForOne(home: string) {
  const cli = await aReplayedCli(home);
  const customers = [ODD, ...Array.from({ length: 9 }, (_, n) => `customer-${n}`)];
  await cli.edit(
    customers.map((id) => ({ kind: "pin", level: "customer", id, component: RC, pin: aPin({ alias: "beta" }) })),
  );
  const onBeta = Array.from({ length: 12 }, (_, m) =>
    customers.map((customer, n) => ({ id: `${n}-${m}`, customer, ...(customer === ODD && { fails: "2" }) })),
  ).flat();
  const onStable = Array.from({ length: 60 }, (_, n) => ({ id: `other-${n}`, customer: `other-${n % 20}` }));
  await cli.route(...onBeta, ...onStable);
  return cli;
}

describe("turnout failures", () => {
  const home = aHomeForAll();
  let cli: Awaited<ReturnType<typeof aBetaThatFailsForOne>>;
  beforeAll(async () => {
    cli = await aBetaThatFailsForOne(home);
  });

  it("names whom it fails for, what is said, and the pin and the replay that act on just that", async () => {
    const { stdout, stderr, code } = await cli.here(`failures ${RC}`);
    expect(code).toBe(0);
    expect(stderr).toMatch(/12 failures, beside 1\d\d that went well/);
    expect(stdout).toMatch(/^ {2}has {10}12 of 12 failures, 0 of 1\d\d that went well$/m);
    expect(stdout).toContain("error        12 × Broken: it broke (first seen on 2)");
    const command = (label: string) => new RegExp(`^  ${label} +(turnout .*)$`, "m").exec(stdout)?.[1] ?? "";
    const words = (line: string) =>
      execFileSync("bash", ["-c", `turnout() { printf '%s\\0' "$@"; }; ${line}`])
        .toString()
        .split("\0")
        .slice(0, -1);
    expect(words(command("pin"))).toEqual([
      "pin",
      "--customer",
      ODD,
      "--component",
      RC,
      "--to",
      "stable",
      "--reason",
      "TEXT",
    ]);
    const replay = words(command("replay"));
    expect(replay.slice(-5)).toEqual(["--component", RC, "--customer", ODD, "--unresolved"]);
    const planned = await cli.here(replay[0] ?? "", ...replay.slice(1), "--json");
    expect(JSON.parse(planned.stdout)).toMatchObject({ sent: 12 });
  });

  it("has it as JSON, a line each", async () => {
    const rows = await cli.hereJson(`failures ${RC} --version 2`);
    expect(rows).toMatchObject([
      {
        component: RC,
        traits: [{ of: "customer", value: ODD }],
        failures: 12,
        others: 0,
        errors: [{ error: "Broken: it broke", count: 12, first_seen: "2" }],
      },
    ]);
  });

  it("lists without a component those that have failures, and takes nothing that is about one of them", async () => {
    const { stdout, stderr, code } = await cli.here("failures");
    expect([code, stdout.split("\n").map((line) => line.split(/ +/))]).toEqual([
      0,
      [
        ["COMPONENT", "VER", "FAILED", "FIRSTS", "ERR%"],
        [RC, "2", "12", "120", expect.stringMatching(/^10(\.0)?$/)],
        [""],
      ],
    ]);
    expect(stderr).toContain("what failures of one have in common: turnout failures COMPONENT\n");
    expect(await cli.hereJson("failures")).toEqual([
      { component: RC, component_version: "2", failed: 12, first_attempts: 120 },
    ]);
    const never = await cli.here("failures --from 2026-01-01 --to 2026-01-02");
    expect(never).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("none has failed") });
    const narrowed = await cli.here("failures --customer acme");
    expect(narrowed).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--customer is of one component's failures"),
    });
  });

  it("says so where nothing has failed, or nothing of what was asked for, and ends well", async () => {
    const never = await cli.here(`failures ${RC} --from 2026-01-01 --to 2026-01-02`);
    expect(never).toMatchObject({ code: 0, stdout: "" });
    expect(never.stderr).toContain("none has failed");
    const others = await cli.here(`failures ${RC} --customer customer-1`);
    expect(others).toMatchObject({ code: 0, stdout: "" });
    expect(others.stderr).toContain("none is listed that was asked for");
  });

  it("refuses a component and a version that there aren't", async () => {
    expect(await cli.here("failures mailer")).toMatchObject({ code: 3 });
    expect(await cli.here(`failures ${RC} --version 99`)).toMatchObject({ code: 3 });
  });
});
