import { isEnded, type Replay } from "../../shared/domain/replay.ts";
import { askOfReplay, replayNamed } from "../../shared/flows/start-replay.ts";
import { confirm } from "./confirm.ts";
import { who, withState } from "./context.ts";
import type { JsonOption } from "./options.ts";
import { note, printJson, printLine } from "./output.ts";
import { progressText, replayJson } from "./replay-text.ts";
import { commandLine } from "./shell-quote.ts";

const asking = { pause: "pause", resume: "run", cancel: "cancel" } as const satisfies Record<string, Replay["asked"]>;

const already = { pause: "is paused already", resume: "isn't paused", cancel: "was cancelled already" };

/** Pauses, resumes or cancels a replay. */
export async function askOf(
  what: keyof typeof asking,
  name: string,
  { json, reason, dryRun, yes }: JsonOption & { reason: string; dryRun?: true; yes?: true },
): Promise<void> {
  await withState(async ({ replays }) => {
    const before = await replayNamed(replays, name);
    note(progressText(before, new Date()));
    if (dryRun) return note("dry run: nothing was asked of it");
    const ends = what === "cancel" && before.asked !== "cancel" && !isEnded(before);
    if (ends) await confirm(`Cancel ${name} for good?`, yes ?? false);
    const { replay, changed } = await askOfReplay(replays, name, {
      asked: asking[what],
      who: who(),
      why: reason,
      at: new Date(),
    });
    if (json) printJson({ changed, ...replayJson(replay, new Date()) });
    if (!changed) return note(`nothing to change: ${name} ${already[what]}`);
    if (!json) printLine(`${name}: ${progressText(replay, new Date())}`);
    if (what === "pause") note(`undo: ${commandLine("replay", "resume", name)}`);
    if (what === "resume") note(`undo: ${commandLine("replay", "pause", name)}`);
  });
}
