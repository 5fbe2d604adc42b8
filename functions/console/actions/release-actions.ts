import { releases } from "../../../shared/flows/release/find-release.ts";
import {
  type AskedOfRelease,
  aborting,
  askingOfRelease,
  pausing,
  resuming,
} from "../../../shared/installation/changes/asked-release.ts";
import type { Action } from "./action.ts";
import { needed } from "./given.ts";
import { plannedChange } from "./planned-change.ts";

function releaseAction(word: string, title: string, about: string, asking: AskedOfRelease): Action {
  return {
    command: ["release", word],
    title,
    about,
    right: "move versions",
    fields: [
      {
        name: "id",
        label: "Release",
        kind: "choice",
        required: true,
        isArgument: true,
        choices: async ({ routingTable }) => (await releases(routingTable)).map(({ release }) => release.id),
      },
    ],
    async plan(asked) {
      const { installation, given, who, reason, now } = asked;
      const id = needed(given, "id", "Release");
      const said = { who, why: reason, at: now.toISOString() };
      // Past the guardrails is agreed to at the start of a release.
      const found = await askingOfRelease(installation, asking, { id, said, force: false }, now);
      const planned = await plannedChange(asked, found.asked);
      return {
        ...planned,
        lines: [...planned.lines, ...found.after],
        carryOut: async (agreed) => ({
          ...(await planned.carryOut(agreed)),
          next: { screen: "release", params: { id }, text: "See the release" },
        }),
      };
    },
  };
}

export const pauseReleaseAction = releaseAction(
  "pause",
  "Pause",
  "A release goes no further until it is resumed.",
  pausing,
);
export const resumeReleaseAction = releaseAction("resume", "Resume", "A release that is paused goes on.", resuming);
export const abortReleaseAction = releaseAction(
  "abort",
  "Take it back",
  "A release takes its rules away, and its alias goes back to the version that it had.",
  aborting,
);
