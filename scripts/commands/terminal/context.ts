import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { State } from "../../../shared/installation/installation.ts";
import { embeddedSettings } from "../../../shared/settings.ts";
import { environmentName } from "./environment-name.ts";
import { shellLine } from "./shell-quote.ts";

export function stateFolder(): string {
  return embeddedSettings(process.env).home;
}

/** Runs `work` on the state that the command is for. @throws TurnoutError `not found` when there is none */
export async function withState<T>(work: (state: State) => Promise<T>): Promise<T> {
  return run((await openOnAws()) ?? (await openHere(stateFolder(), false)), work);
}

/**
 * Runs `work` on the state, made anew when there is none. Where nothing will be written, an empty state that is thrown
 * away takes its place. An environment on AWS is only ever made by its deployment.
 */
export async function withNewState<T>(writes: boolean, work: (state: State) => Promise<T>): Promise<T> {
  const onAws = await openOnAws();
  if (onAws !== undefined) return run(onAws, work);
  const home = stateFolder();
  if (writes || existsSync(join(home, "state.db"))) return run(await openHere(home, true), work);
  const scratch = mkdtempSync(join(tmpdir(), "turnout-"));
  try {
    return await run(await openHere(scratch, true), work);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The command as it was typed, for the change log. */
export function commandAsTyped(): string {
  return shellLine(["turnout", ...process.argv.slice(2)]);
}

// Each loads only what it needs: the SDK takes longer than most commands, and SQLite warns that it is experimental.

async function openOnAws(): Promise<State | undefined> {
  const environment = environmentName();
  if (environment === undefined) return undefined;
  const { awsState } = await import("../aws-state.ts");
  return awsState(environment);
}

async function openHere(home: string, create: boolean): Promise<State> {
  const { embeddedState } = await import("../../../shared/installation/embedded-installation.ts");
  return embeddedState(home, { create });
}

async function run<T>(state: State, work: (state: State) => Promise<T>): Promise<T> {
  try {
    return await work(state);
  } catch (error) {
    throw state.explain(error) ?? error;
  } finally {
    state.close();
  }
}
