import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type CliResult, jsonLines } from "../support/cli-process.ts";
import { aReplayedCli, RC } from "../support/replayed-cli.ts";

const EVENT = JSON.stringify({
  Source: "shop",
  DetailType: "order placed",
  Detail: { metadata: { customer: "acme" } },
});
const why = ["--reason", "a test"];
const pin = ["pin", "--customer", "acme", "--component", RC, "--to", "beta", ...why];

/** By the folder of their command: what is run, what it reads on stdin, and what has to come of it. */
const families: Record<string, { args: string[]; input?: string; ends: (result: CliResult) => void }> = {
  events: {
    args: ["publish", "-"],
    input: EVENT,
    ends: (result) =>
      expect(result).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^[0-9a-f-]{36}\n$/),
        stderr: expect.stringContaining("1 event stored"),
      }),
  },
  replays: {
    args: ["replay", "plan", "--since", "15m", "--json"],
    ends: ({ code, stdout, stderr }) => {
      expect([code, stderr]).toEqual([0, ""]);
      expect(jsonLines(stdout)).toMatchObject([{ matched: 2 }]);
    },
  },
  explain: {
    args: ["explain", "--component", RC, "--customer", "acme"],
    ends: (result) =>
      expect(result).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`${RC} stable, version 1\n`),
        stderr: "",
      }),
  },
  rules: {
    args: pin,
    ends: (result) =>
      expect(result).toMatchObject({ code: 6, stdout: "", stderr: expect.stringContaining("no terminal to ask on") }),
  },
  changes: {
    args: ["history", "--limit", "1", "--json"],
    ends: ({ code, stdout }) => {
      expect(code).toBe(0);
      expect(jsonLines(stdout)).toMatchObject([{ move: { alias: "beta", to: "2", stage: "settled" } }]);
    },
  },
  registry: {
    args: ["component", "apply", "-", ...why, "--yes"],
    input: '{"name":"mailer"}',
    ends: (result) =>
      expect(result).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(/^turnout: stdin: /) }),
  },
  versions: {
    args: ["rollback", RC, "beta", ...why, "--yes"],
    ends: (result) =>
      expect(result).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`roll beta of ${RC} back from 2 to version 1`),
      }),
  },
  releases: {
    args: ["release", "show", "no-such-release"],
    ends: (result) =>
      expect(result).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("no-such-release") }),
  },
  installation: {
    args: ["restore", "no-such-file"],
    ends: (result) =>
      expect(result).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("no-such-file") }),
  },
};

describe("turnout as a process of its own", () => {
  it.each(Object.entries(families))(
    "reads, writes and ends as in the tests' own: %s",
    async (_, { args, input, ends }) => {
      const { route, spawned } = await aReplayedCli();
      await route({ id: "one", customer: "acme" }, { id: "two", customer: "globex" });
      ends(await spawned(args, input));
    },
  );

  it("is tried with a command of every family", () => {
    const folders = readdirSync("scripts/commands", { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const named = folders.map(({ name }) => name).filter((name) => name !== "terminal" && name !== "wording");
    expect(Object.keys(families).sort()).toEqual(named.sort());
  });
});
