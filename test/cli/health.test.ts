import { beforeAll, describe, expect, it } from "vitest";
import { aPin } from "../support/builders.ts";
import { aHomeForAll, aReplayedCli, RC } from "../support/replayed-cli.ts";
import { beginnings, linesAt, terminalWidths } from "../support/terminal.ts";

const customers = ["acme", "globex", "hooli", "initech", "soylent", "stark", "umbrella", "wayne"];

/** Eight customers on beta, at version 2, which breaks for six of them; all others on stable, where nothing does. */
async function aFailingBeta(home: string) {
  const cli = await aReplayedCli(home);
  await cli.edit(
    customers.map((id) => ({ kind: "pin", level: "customer", id, component: RC, pin: aPin({ alias: "beta" }) })),
  );
  const onBeta = customers.flatMap((customer, n) =>
    Array.from({ length: 2 }, (_, m) => ({ id: `${customer}-${m}`, customer, ...(n < 6 && { fails: "2" }) })),
  );
  const onStable = Array.from({ length: 60 }, (_, n) => ({ id: `other-${n}`, customer: `other-${n}` }));
  await cli.route(...onBeta, ...onStable);
  return cli;
}

describe("turnout health", () => {
  const home = aHomeForAll();
  let cli: Awaited<ReturnType<typeof aFailingBeta>>;
  beforeAll(async () => {
    cli = await aFailingBeta(home);
  });

  const lines = async (line: string, ...more: string[]) => {
    const { stdout, code } = await cli.here(line, ...more, "--json");
    const rows = stdout.trim() === "" ? [] : stdout.trim().split("\n");
    return { code, rows: rows.map((row) => JSON.parse(row) as Record<string, unknown>) };
  };

  it("has a line per version with its rate, error, customers and verdict, and ends with 1 when one is unhealthy", async () => {
    const { code, rows } = await lines(`health ${RC}`);
    expect(code).toBe(1);
    expect(rows).toMatchObject([
      { component_version: "1", aliases: ["stable"], first_attempts: 60, failed: 0, verdict: "ok", top_error: null },
      {
        component_version: "2",
        aliases: ["beta"],
        first_attempts: 16,
        failed: 12,
        error_rate: 0.75,
        unresolved: 12,
        customers_affected: 6,
        failures_listed: 12,
        top_error: { error: "Broken: it broke", count: 12, first_seen: "2" },
        verdict: "warn",
      },
    ]);
    const { stdout } = await cli.here("health");
    expect(stdout).toMatch(/COMPONENT +VER +ALIASES +(SUBJECTS +)?FIRSTS/);
    expect(stdout).toMatch(/ 2 +beta +(8 +)?16 .* 75\.0 .* warn +12 × Broken: it broke \(first seen on 2\)\n/);
  });

  it.each(terminalWidths)(
    "fits %i columns, with what each version is and the verdict of it in their places",
    async (columns) => {
      const lines = await linesAt(columns, () => cli.here("health"));
      expect(lines.filter((line) => line.length > columns)).toEqual([]);
      expect(lines[0]).toMatch(/^COMPONENT +VER +ALIASES +(SUBJECTS +)?FIRSTS .*ERR% .*UNRESOLVED .*VERDICT/);
      expect(lines[2]).toMatch(/^release\S* +2 +beta +(8 +)?16 .*75\.0 .* warn( |$)/);
      if (columns >= 100) expect(lines[0]).toContain("AFFECTED");
      for (const title of ["ALIASES", "VERDICT"]) expect(beginnings(lines, title)).toHaveLength(1);
      const slices = await linesAt(columns, () => cli.here("health --by customer"));
      expect(slices.filter((line) => line.length > columns)).toEqual([]);
      expect(slices[0]).toMatch(/^COMPONENT +VER +CUSTOMER +FAILED/);
      expect(slices.slice(1).map((line) => line.split(/ {2,}/)[2])).toContain("acme");
    },
  );

  it("says how many of the directory stand on each version, and who gets everybody else", async () => {
    const { rows } = await lines(`health ${RC}`);
    expect(rows).toMatchObject([
      { component_version: "1", subjects: 0, takes_others: true, others_share: null },
      { component_version: "2", subjects: 8, takes_others: false, others_share: 0, subjects_are_more: false },
    ]);
    const { stdout } = await cli.here("health");
    expect(stdout).toMatch(/ 1 +stable +rest +60 /);
  });

  it("tells its deliveries apart by customer, alias, type and error", async () => {
    const { rows } = await lines(`health ${RC} --by customer`);
    const beta = rows.filter(({ component_version }) => component_version === "2");
    expect(beta).toHaveLength(8);
    expect(beta.slice(0, 2)).toMatchObject([
      { value: "acme", failed: 2, first_attempts: 2, estimated: true },
      { value: "globex", failed: 2, first_attempts: 2 },
    ]);
    expect(beta.slice(6)).toMatchObject([{ failed: 0, first_attempts: 2 }, { failed: 0 }]);
    expect((await lines("health --by alias")).rows).toMatchObject([
      { value: "stable", first_attempts: 60, failed: 0, estimated: false },
      { value: "beta", first_attempts: 16, failed: 12 },
    ]);
    expect((await lines("health --by type")).rows).toMatchObject([{ value: "order placed" }, { failed: 12 }]);
    expect((await lines("health --by error")).rows).toMatchObject([{ value: "Broken: it broke", failed: 12 }]);
  });

  it("says so of a window in which nothing was tried, and ends well", async () => {
    const { code, stderr } = await cli.here("health --from 2026-01-01 --to 2026-01-02");
    expect(code).toBe(0);
    expect(stderr).toContain("there was none");
  });

  it("refuses a component that there isn't, and a dimension", async () => {
    expect(await cli.here("health mailer")).toMatchObject({ code: 3 });
    const refused = await cli.here("health --by colour");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/customer.*alias.*error/);
  });

  it("counts by alias, type and error what counts counts", async () => {
    expect((await cli.here("counts --by alias")).stdout).toMatch(/ 2 +beta +4 +12\n/);
    const { rows } = await lines("counts --by customer");
    expect(rows.filter(({ component_version }) => component_version === "2").slice(0, 2)).toMatchObject([
      { value: "acme", failed: 2, first_attempts: 2, estimated: true },
      { value: "globex", failed: 2 },
    ]);
    expect((await cli.here("counts --by customer --component mailer")).code).toBe(3);
    expect((await cli.here("counts --by error")).stdout).toMatch(/ 2 +12 +Broken: it broke\n/);
  });

  it("is what doctor says too", async () => {
    const { rows, code } = await lines("doctor");
    expect(code).toBe(0);
    expect(rows.filter(({ check }) => check === "health")).toEqual([
      {
        check: "health",
        status: "warning",
        found:
          `${RC} version 2 is unhealthy: 75.0 % of 16 first attempts of the last 15 minutes failed, for 6 customers; ` +
          "most often Broken: it broke, first seen on it",
        remedy:
          `See for whom with 'turnout health ${RC} --by customer', and what they have in common with ` +
          `'turnout failures ${RC}'`,
      },
    ]);
  });

  it("no longer counts as unresolved what a replay has made good", async () => {
    await cli.here("replay start --unresolved --to-alias stable --name again --yes --reason", "a test");
    await cli.drive("again");
    const { rows } = await lines(`health ${RC}`);
    expect(rows).toMatchObject([
      { first_attempts: 60, replayed: 12 },
      { first_attempts: 16, unresolved: 0 },
    ]);
  });
});

it("turnout health calls it too few where all that one customer had has failed", async () => {
  const cli = await aReplayedCli();
  const pin = aPin({ alias: "beta" });
  await cli.edit(["acme", "globex", "hooli"].map((id) => ({ kind: "pin", level: "customer", id, component: RC, pin })));
  await cli.route(...Array.from({ length: 5 }, (_, n) => ({ id: `e${n}`, customer: "acme", fails: "2" })));
  const { code, stdout } = await cli.here("health");
  expect(code).toBe(0);
  expect(stdout).toMatch(/ 2 +beta .* 100\.0 .* too few /);
});

it("turnout health and counts say how many customers there are where they show those that failed most", async () => {
  const cli = await aReplayedCli();
  await cli.route(
    ...Array.from({ length: 60 }, (_, n) => ({ id: `e${n}`, customer: `c${n}`, ...(n < 3 && { fails: "1" }) })),
  );
  for (const command of [`health ${RC} --by customer`, "counts --by customer"]) {
    const { stdout, stderr } = await cli.here(command, "--json");
    expect(stdout.trim().split("\n")).toHaveLength(50);
    expect(stderr).toContain(`${RC} 1: 50 of 60 by customer are shown, those that failed most`);
  }
});
