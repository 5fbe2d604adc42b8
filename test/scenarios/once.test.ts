import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { type AboutComponent, aComponent, anEvent, bodyOf } from "../support/builders.ts";
import { COMPILED } from "../support/compiled.ts";
import { temporaryFolder } from "../support/tmp.ts";

const now = new Date();

/** A state with one component, whose only version runs this code, and one event that has been waiting for an hour. */
async function aBacklog(code: string, about: AboutComponent = {}): Promise<string> {
  const home = temporaryFolder();
  const folder = join(home, "code");
  mkdirSync(folder);
  writeFileSync(join(folder, "index.mjs"), code);
  const state = openEmbeddedState(home, { create: true });
  const component = aComponent({
    name: "mailer",
    pattern: { source: ["shop"] },
    aliases: ["stable"],
    retry: { maxAttempts: 2, baseDelayMs: 1 },
    ...about,
  });
  await state.catalog.publish({ component: "mailer", source: folder, now });
  await state.catalog.moveAlias("mailer", "stable", "1", null);
  const meta = { changeId: "1", who: "a test", why: "a test", command: "test", at: now };
  await changeRoutes(state.routingTable, { ...meta, edit: { kind: "apply component", component } });
  await state.queue.send([bodyOf(anEvent())], new Date(now.getTime() - 3_600_000));
  state.close();
  return home;
}

async function runOnce(
  home: string,
  about: NodeJS.ProcessEnv = {},
  ...options: string[]
): Promise<{ code: number; output: string }> {
  const env = { PATH: process.env.PATH, TURNOUT_HOME: home, TURNOUT_PORT: "0", NODE_COMPILE_CACHE: COMPILED, ...about };
  const child = spawn(process.execPath, ["scripts/embedded.ts", "--once", ...options], {
    env,
    stdio: ["ignore", "pipe", about.TURNOUT_WIDE === undefined ? "inherit" : "ignore"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const [code] = (await once(child, "close")) as [number];
  return { code, output };
}

describe("npm start -- --once", () => {
  it("delivers what was waiting, accounts for it, and ends with 0", async () => {
    const { code, output } = await runOnce(await aBacklog("export const handler = async () => null;"));
    expect(output).toMatch(/\S+ +stable +1 +done +1\n/);
    expect(output).toContain("1 event; 1 delivery: 1 done.");
    expect(code).toBe(0);
  });

  it("waits for what a version has accepted, and for what the sweeper brings back", async () => {
    const code =
      "export const handler = async ({ turnout }) => { if (turnout.attempt === 1) throw new Error('later'); };";
    const home = await aBacklog(code, { invocation: { kind: "async", maxEventAgeMs: 60_000 } });
    // Its stdout has a line of JSON per attempt and outcome, and nothing else.
    const { code: exitCode, output } = await runOnce(home, { TURNOUT_WIDE: "json" });
    const lines = output.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
    expect(lines.map(({ outcome, attempt, component }) => [outcome, attempt, component])).toEqual([
      ["accepted", 1, "mailer"],
      ["failed", 1, "mailer"],
      ["accepted", 2, "mailer"],
      ["done", 2, "mailer"],
    ]);
    expect(lines[1]).toMatchObject({ component_version: "1", "error.type": "Error", "faas.invoked_name": "mailer" });
    expect(exitCode).toBe(0);
  });

  it("ends with 1 when something that was waiting could not be delivered", async () => {
    const home = await aBacklog("export const handler = async () => { throw new Error('no'); };");
    const { code, output } = await runOnce(home);
    // What tells of it isn't counted.
    expect(output).toContain("1 event; 1 delivery: 1 dead.");
    expect(code).toBe(1);
    // Nothing is left to do, and what is dead already is not this run's.
    expect(await runOnce(home)).toMatchObject({ code: 0 });
  });

  it("takes all samples through: a program in three versions, two URLs, and the releaser of each project", async () => {
    const home = temporaryFolder();
    const { code, output } = await runOnce(home, { TURNOUT_WIDE: "json" }, "--all-samples");
    const lines = output.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]));
    const ran = (name: string) =>
      new Set(
        lines.flatMap(({ outcome, component, component_version, "feature_flag.result.variant": alias }) =>
          component === name && outcome === "done" ? [`${alias} ${component_version}`] : [],
        ),
      );
    expect(ran("builder")).toEqual(new Set(["stable 1", "beta 2", "experimental 3"]));
    expect(ran("preview-server")).toEqual(new Set(["stable preview-1", "beta preview-2"]));
    const releasers = ["releaser-01 1", "releaser-03 3", "releaser-05 5", "releaser-07 7", "releaser-13 13"];
    expect(ran("releaser")).toEqual(new Set(releasers));
    expect(effectsIn(join(home, "samples/builder"))).toContainEqual(
      expect.objectContaining({ project: "umbrella/lab", builtBy: "builder:3" }),
    );
    expect(effectsIn(join(home, "samples/releaser"))).toContainEqual({ project: "globex/shop", place: "mirror" });
    expect(code).toBe(0);
  });
});

function effectsIn(folder: string): unknown[] {
  return readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")));
}
