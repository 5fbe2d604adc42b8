import type { Replay } from "../../../shared/domain/replays/replay.ts";
import { progressText } from "../../../shared/domain/replays/replay-told.ts";
import { askOfReplay, replayNamed, wouldChange } from "../../../shared/flows/replay/start-replay.ts";
import type { Action } from "./action.ts";
import { needed } from "./given.ts";

type Asking = { word: string; title: string; about: string; asked: Replay["asked"]; already: string; undo?: string };

function askingAction({ word, title, about, asked: wanted, already, undo }: Asking): Action {
  return {
    command: ["replay", word],
    title,
    about,
    right: "replay events",
    fields: [{ name: "name", label: "Replay", kind: "text", required: true, isArgument: true }],
    async plan({ installation, given, who, now }) {
      const { replays, routingTable } = installation;
      const name = needed(given, "name", "Replay");
      const replay = await replayNamed(replays, name);
      const isSo = !wouldChange(replay, wanted);
      return {
        what: `${word} ${name}`,
        revision: await routingTable.head(),
        lines: [progressText(replay, now)],
        ...(isSo && { nothing: `${name} ${already}` }),
        // Where the routing is at is nothing to it: it goes by what that is then.
        async carryOut({ reason }) {
          const { replay: after, changed } = await askOfReplay(replays, name, {
            asked: wanted,
            who,
            why: reason,
            at: now,
          });
          const uncalled = changed && wanted !== "pause" ? await installation.callReplayer(name) : undefined;
          return {
            what: `${name}: ${progressText(after, now)}`,
            lines: uncalled === undefined ? [] : [`It goes on within a minute: ${uncalled}`],
            ...(undo !== undefined && { undo: ["replay", undo, name] }),
            next: { screen: "replay", params: { name }, text: "See the replay" },
          };
        },
      };
    },
  };
}

export const pauseReplayAction = askingAction({
  word: "pause",
  title: "Pause",
  about: "A replay begins nothing more until it is resumed.",
  asked: "pause",
  already: "was paused already",
  undo: "resume",
});

export const resumeReplayAction = askingAction({
  word: "resume",
  title: "Resume",
  about: "A replay that is paused, or was given up, goes on from where it had come.",
  asked: "run",
  already: "isn't paused",
  undo: "pause",
});

export const cancelReplayAction = askingAction({
  word: "cancel",
  title: "Cancel for good",
  about: "A replay begins nothing more, and comes to its end. There is no undo.",
  asked: "cancel",
  already: "was cancelled already",
});
