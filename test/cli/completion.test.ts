import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { runHere } from "../support/cli-in-process.ts";
import { aRoutedCli } from "../support/cli-process.ts";

const run = promisify(execFile);

describe("turnout completion", () => {
  async function completed(...words: string[]): Promise<string[]> {
    const { turnout } = await aRoutedCli();
    const { stdout } = await turnout(["completion", "-", "--", ...words]);
    return stdout.split("\n").slice(0, -1);
  }

  it("knows commands and subcommands by their beginning", async () => {
    expect(await completed("ev")).toEqual(["event", "events"]);
    expect(await completed("--env", "prod", "replay", "p")).toEqual(["pause", "plan"]);
    expect(await completed("replay", "start", "x")).toEqual([]);
  });

  it("knows the options of a command from its own definition, its subcommands' too", async () => {
    expect(await completed("pin", "--c")).toEqual(["--component", "--customer"]);
    expect(await completed("rollout", "set", "release-coordinator", "--sh")).toEqual(["--share"]);
  });

  it("knows components, aliases, subjects, and what options have to choose from", async () => {
    expect(await completed("pin", "--customer", "acme", "--component", "")).toEqual(["release-coordinator"]);
    expect(await completed("pin", "--customer", "a")).toEqual(["acme"]);
    expect(await completed("explain", "--project", "")).toEqual(["acme/api", "acme/site"]);
    expect(await completed("pin", "--to", "")).toEqual(["beta", "experimental", "stable"]);
    expect(await completed("undo", "")).toEqual(["release-coordinator"]);
    expect(await completed("undo", "release-coordinator", "b")).toEqual(["beta"]);
    expect(await completed("events", "--status", "de")).toEqual(["dead"]);
    expect(await completed("pins", "--level", "p")).toEqual(["plan", "project"]);
  });

  it("leaves files to the shell, and says nothing where there is no state", async () => {
    expect(await completed("component", "apply", "re")).toEqual([]);
    expect(await runHere(["completion", "-", "--", "pin", "--customer", "a"])).toMatchObject({ code: 0, stdout: "" });
  });

  it("refuses a shell that it doesn't know", async () => {
    const refused = await runHere(["completion", "csh"]);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("there is for bash, zsh, fish") });
  });

  it.each([
    ["bash", `COMP_WORDS=(turnout "$@"); COMP_CWORD=$#; _turnout; printf "%s\\n" "\${COMPREPLY[@]}"`],
    ["zsh", 'compadd() { shift; print -l -- "$@" }; words=(turnout "$@"); CURRENT=$#words; _turnout'],
  ])("completes in %s, with the command of the folder bin", async (shell, press) => {
    const { home } = await aRoutedCli();
    const PATH = `${resolve("bin")}:${process.env.PATH}`;
    const script = `compdef() { :; }; _files() { :; }; eval "$(turnout completion ${shell})"; ${press}`;
    const options = { env: { ...process.env, PATH, TURNOUT_HOME: home, TURNOUT_ENV: "" } };
    const pressed = async (...words: string[]) =>
      (await run(shell, [...(shell === "zsh" ? ["-f"] : ["--norc"]), "-c", script, shell, ...words], options)).stdout;
    expect(await pressed("ev")).toBe("event\nevents\n");
    expect(await pressed("explain", "--project", "acme/")).toBe("acme/api\nacme/site\n");
    expect(await pressed("events", "--because", "customer ")).toBe(
      shell === "bash" ? "customer\\ pin\n" : "customer pin\n",
    );
    expect(await pressed("pin", "--customer", "")).toBe("acme\nglobex\n");
  });
});
