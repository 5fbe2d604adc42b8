import { setTimeout as delay } from "node:timers/promises";
import { nextText, stateText } from "../../../shared/domain/releases/release-state.ts";
import { releaseNamed } from "../../../shared/flows/release/find-release.ts";
import { standingOf } from "../../../shared/flows/release/release-standing.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { withInstallation } from "../terminal/context.ts";
import { endPartlyDone, exitCodes } from "../terminal/exit-codes.ts";
import { onCtrlC } from "../terminal/on-ctrl-c.ts";
import type { JsonOption } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { lookedAt } from "./release-list.ts";
import { metersText, releaseJson, releaseLines } from "./release-text.ts";

const LOOK_EVERY_MS = 1_000;

/** Tells of a release whenever something of it changes, until it has ended. Ctrl-C ends the watching, not the release. */
export async function watchRelease(id: string, { json }: JsonOption): Promise<void> {
  const stopListening = onCtrlC(() => {
    note(`${id} goes on. Take it back with '${commandLine("release", "abort", id)}'.`);
    process.exit(exitCodes.interrupted);
  });
  try {
    await withInstallation(async (installation) => {
      let told = "";
      for (;;) {
        const found = await releaseNamed(installation.routingTable, id);
        const looked = await lookedAt(installation, found, new Date());
        const text = json
          ? JSON.stringify(releaseJson(found, looked))
          : looked === undefined
            ? ""
            : `${stateText(found.release)}; ${looked.verdict.told}; meters: ${metersText(looked.verdict)}; next: ${nextText(looked)}`;
        if (looked === undefined) {
          const standing = await standingOf(installation, found);
          if (json) printJson(releaseJson(found, looked, standing));
          else for (const line of releaseLines(found, looked, standing)) printLine(line);
          if (found.release.ended?.how !== "done") endPartlyDone();
          return;
        }
        if (text !== told && json) printJson(releaseJson(found, looked));
        if (text !== told && !json) printLine(text);
        told = text;
        await delay(LOOK_EVERY_MS);
      }
    });
  } finally {
    stopListening();
  }
}
