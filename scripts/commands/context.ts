import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { type EmbeddedState, openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { embeddedSettings } from "../../shared/settings.ts";
import { type RunningServer, runningServer } from "../embedded/server-lock.ts";
import { commandLine } from "./shell-quote.ts";

export function stateFolder(): string {
  return embeddedSettings(process.env).home;
}

/** Runs `work` on the state. @throws TurnoutError `not found` when there is none */
export function withState<T>(work: (state: EmbeddedState) => Promise<T>): Promise<T> {
  return run(openEmbeddedState(stateFolder(), { create: false }), work);
}

/**
 * Runs `work` on the state, made anew when there is none. Where nothing will be written, an empty state that is thrown
 * away takes its place.
 */
export async function withNewState<T>(writes: boolean, work: (state: EmbeddedState) => Promise<T>): Promise<T> {
  const home = stateFolder();
  if (writes || existsSync(join(home, "state.db"))) return run(openEmbeddedState(home, { create: true }), work);
  const scratch = mkdtempSync(join(tmpdir(), "turnout-"));
  try {
    return await run(openEmbeddedState(scratch, { create: true }), work);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function run<T>(state: EmbeddedState, work: (state: EmbeddedState) => Promise<T>): Promise<T> {
  try {
    return await work(state);
  } finally {
    state.close();
  }
}

/** The server that routes this state's events now, if one runs. */
export function server(state: EmbeddedState): RunningServer | undefined {
  return runningServer(state.home);
}

/** The operating system's user. */
export function who(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the user may have a number but no name.
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

/** The command as it was typed, for the change log. */
export function commandAsTyped(): string {
  return commandLine(...process.argv.slice(2));
}
