import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { aRoutedCli } from "../support/cli-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

/** Says on stderr which modules are loaded after it. */
const LIST_MODULES = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  registerHooks({ load(url, context, next) { console.error("loads", url); return next(url, context); } });
`)}`;

function modulesOf(args: readonly string[], home = `${temporaryFolder()}/state`): string[] {
  const { status, stderr } = spawnSync(process.execPath, ["--import", LIST_MODULES, "bin/start.js", ...args], {
    encoding: "utf8",
    env: { ...process.env, TURNOUT_HOME: home, TURNOUT_ENV: "" },
  });
  expect(status, stderr).toBe(0);
  return [...stderr.matchAll(/^loads (.*)$/gm)].map(([, url = ""]) => url);
}

describe("starting the command line", () => {
  it("loads neither the schemas nor a store to print its help", () => {
    const modules = modulesOf(["--help"]);
    expect(modules.join("\n")).toMatch(/commander/);
    expect(modules.filter((url) => /zod|sqlite|aws-sdk|\/shared\/(?!domain|installation\/wording)/.test(url))).toEqual(
      [],
    );
  });

  it("loads for a command on this machine nothing of AWS, of other commands or of the server", async () => {
    const { home } = await aRoutedCli();
    const modules = modulesOf(["who", "release-coordinator", "stable"], home);
    expect(modules.filter((url) => /\/commands\/explain\//.test(url))).toHaveLength(1);
    const notNeeded =
      /aws-|dynamodb|smithy|\/commands\/(changes|events|replays|rules|versions|registry)\/|\/embedded\/|\/functions\//;
    expect(modules.filter((url) => notNeeded.test(url))).toEqual([]);
  });

  it("is the command of a dependency, which npx runs without reading the tree of all dependencies", () => {
    const read = (file: string) => JSON.parse(readFileSync(file, "utf8"));
    expect(read("package.json")).not.toHaveProperty("bin");
    expect(read("package.json").dependencies).toMatchObject({ "turnout-command": "file:bin" });
    expect(existsSync(resolve("bin", read("bin/package.json").bin.turnout))).toBe(true);
    expect(read("bin/package.json").version).toBe(read("package.json").version);
  });
});
