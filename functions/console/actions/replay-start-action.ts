import { RevisionConflict } from "../../../shared/domain/errors.ts";
import { matchedRows } from "../../../shared/domain/replays/matched-rows.ts";
import { DEFAULT_CONCURRENCY, DEFAULT_RATE_PER_SECOND } from "../../../shared/domain/replays/replay.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { overlapping, planStart, startAndCall } from "../../../shared/flows/replay/plan-start.ts";
import { keptText } from "../../../shared/flows/replay/start-replay.ts";
import { histogramPicture } from "../pictures/histogram-picture.ts";
import type { Action, Asked, Done, Planned } from "./action.ts";
import { atMostField, newReplayName, refuseMany, replayPlanLines } from "./replay-plan-lines.ts";
import { replayFields, replayRequestIn } from "./replay-request.ts";

export const startReplayAction: Action = {
  command: ["replay", "start"],
  title: "Deliver these again",
  about: "Delivers a window of stored events again, as a job of the server. First it shows what that would be.",
  right: "replay events",
  fields: [...replayFields, atMostField],
  plan: plannedReplay,
};

async function plannedReplay(asked: Asked): Promise<Planned> {
  const { installation, given, who, now, newId } = asked;
  const revision = await installation.routingTable.head();
  const name = given.get("name") ?? undefined;
  const wanted = replayRequestIn(given, now);
  const started = await planStart({ ...installation, now: () => now }, wanted, name, () => {});
  const { request, cut, plan } = started;
  const { sent } = plan.counts;
  const matched = matchedRows(request.window, plan.perMinute);
  const overlaps = await overlapping(installation.replays, request.window);
  return {
    what: `deliver ${plural(sent, "delivery", "deliveries")} again`,
    revision,
    lines: replayPlanLines(request, plan),
    picture: histogramPicture("matched", matched),
    warnings: [
      ...(cut === undefined ? [] : [`${keptText(cut)}: the window begins then`]),
      ...overlaps.map(
        (other) => `replay ${other.name} is under way on a part of this window: what both match is delivered by both`,
      ),
    ],
    ...(sent === 0 && { nothing: "no delivery of this window is to be made again" }),
    async carryOut({ reason, command, expectedRevision }): Promise<Done> {
      // Where they go is by the routing.
      if (expectedRevision !== revision) throw new RevisionConflict(expectedRevision, revision, undefined);
      refuseMany(sent, given);
      const planned = plan.counts;
      const about = {
        name: name ?? newReplayName("replay", now, newId),
        who,
        why: reason,
        command,
        requestedAt: now,
        planned,
        matched,
      };
      const speed = { ratePerSecond: DEFAULT_RATE_PER_SECOND, concurrency: DEFAULT_CONCURRENCY };
      const { replay, uncalled } = await startAndCall(installation, { ...request, ...about, ...speed });
      return {
        what: `replay ${replay.name} is started`,
        lines: uncalled === undefined ? [] : [`It begins within a minute: ${uncalled}`],
        undo: ["replay", "cancel", replay.name, "--reason", "not wanted after all"],
        next: { screen: "replay", params: { name: replay.name }, text: "Watch the replay" },
      };
    },
  };
}
