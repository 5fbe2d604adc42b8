import type { Replay } from "../../../shared/domain/replays/replay.ts";
import { progressText } from "../../../shared/domain/replays/replay-told.ts";
import { askOfReplay, replayNamed, wouldChange } from "../../../shared/flows/replay/start-replay.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { confirm } from "../terminal/confirm.ts";
import { withInstallation } from "../terminal/context.ts";
import type { JsonOption } from "../terminal/options.ts";
import { note, printJson, printLine } from "../terminal/output.ts";
import { replayJson } from "./replay-json.ts";
import { callForReplay } from "./replay-start.ts";

const asking = { pause: "pause", resume: "run", cancel: "cancel" } as const satisfies Record<string, Replay["asked"]>;

const already = { pause: "was paused already", resume: "isn't paused", cancel: "was cancelled already" };

/** The command that takes it back; a cancelled replay doesn't go on. */
const undoing = { pause: "resume", resume: "pause", cancel: undefined } as const;

/** Pauses, resumes or cancels a replay. */
export async function askOf(
  what: keyof typeof asking,
  name: string,
  { json, reason, dryRun, yes }: JsonOption & { reason: string; dryRun?: true; yes?: true },
): Promise<void> {
  await withInstallation(async (installation) => {
    const { replays, who } = installation;
    const before = await replayNamed(replays, name);
    note(`${name} is ${progressText(before, new Date())}`);
    const changes = wouldChange(before, asking[what]);
    const answer = (replay: Replay, changed: boolean) => {
      if (json) printJson({ changed, dry_run: dryRun ?? false, ...replayJson(replay, new Date()) });
      if (!json && changed) printLine(`${name}: ${progressText(replay, new Date())}`);
    };
    if (dryRun || !changes) {
      answer(before, false);
      return note(changes ? "dry run: nothing was asked of it" : `nothing to change: ${name} ${already[what]}`);
    }
    if (what === "cancel") await confirm(`Cancel ${name} for good?`, yes ?? false);
    const { replay, changed } = await askOfReplay(replays, name, {
      asked: asking[what],
      who: await who(),
      why: reason,
      at: new Date(),
    });
    if (changed && what !== "pause") await callForReplay(installation, name);
    answer(replay, changed);
    const undo = undoing[what];
    if (undo !== undefined) note(`undo: ${commandLine("replay", undo, name)}`);
  });
}
