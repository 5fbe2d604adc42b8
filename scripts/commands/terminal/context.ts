import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Installation } from "../../../shared/installation/installation.ts";
import { environmentName } from "../../../shared/installation/wording/environment-name.ts";
import { shellLine } from "../../../shared/installation/wording/shell-quote.ts";
import { embeddedSettings } from "../../../shared/settings.ts";

function stateFolder(): string {
  return embeddedSettings(process.env).home;
}

/** Runs `work` on what the command is for. @throws TurnoutError `not found` when it isn't there */
export async function withInstallation<T>(work: (installation: Installation) => Promise<T>): Promise<T> {
  return run((await openOnAws()) ?? (await openHere(stateFolder(), false)), work);
}

/**
 * The same, made anew when there is none. Where nothing will be written, an empty state that is thrown
 * away takes its place. An environment on AWS is only ever made by its deployment.
 */
export async function withNewInstallation<T>(
  writes: boolean,
  work: (installation: Installation) => Promise<T>,
): Promise<T> {
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

async function openOnAws(): Promise<Installation | undefined> {
  const environment = environmentName();
  if (environment === undefined) return undefined;
  const { awsInstallation } = await import("../../../shared/installation/aws-installation.ts");
  return awsInstallation({ environment, application: process.env.TURNOUT_APPLICATION || "turnout" });
}

async function openHere(home: string, create: boolean): Promise<Installation> {
  const { embeddedInstallation } = await import("../../../shared/installation/embedded-installation.ts");
  return embeddedInstallation(home, { create });
}

async function run<T>(installation: Installation, work: (installation: Installation) => Promise<T>): Promise<T> {
  try {
    return await work(installation);
  } catch (error) {
    throw installation.explain(error) ?? error;
  } finally {
    installation.close();
  }
}
