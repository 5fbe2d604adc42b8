import { TurnoutError } from "../../../shared/domain/errors.ts";
import { DEFAULT_RATE_PER_SECOND, type ReplayRequest, skipReasons } from "../../../shared/domain/replays/replay.ts";
import { secondsText } from "../../../shared/domain/replays/replay-told.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import type { PlannedReplay } from "../../../shared/flows/replay/plan-replay.ts";
import type { ActionField } from "./action.ts";
import { wrong } from "./given.ts";

/** Above so many deliveries a yes is not enough: one says how many one expects. */
const MANY = 1_000;

export const atMostField: ActionField = {
  name: "at-most",
  label: "At most so many",
  hint: `Needed above ${MANY} deliveries.`,
  kind: "text",
};

/** @throws TurnoutError when more would be sent than one expects */
export function refuseMany(sent: number, given: URLSearchParams): void {
  const said = given.get("at-most");
  const atMost = said === null ? MANY : /^\d{1,9}$/.test(said) ? Number(said) : undefined;
  if (atMost === undefined) throw wrong("At most so many: expected a whole number.");
  if (sent <= atMost) return;
  throw new TurnoutError(
    "not allowed",
    `${sent} deliveries would be made, and at most ${atMost} are expected. Say how many you expect.`,
  );
}

/** E.g. `replay-20261120-101502-3f6a01`: sorted by time. */
export function newReplayName(what: string, now: Date, newId: () => string): string {
  const [day = "", time = ""] = now.toISOString().replaceAll(/[-:]/g, "").split("T");
  const letters = newId()
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "")
    .slice(-6);
  return `${what}-${day}-${time.slice(0, 6)}-${letters}`;
}

/** What a replay would do, a line each. */
export function replayPlanLines({ window, mode }: ReplayRequest, plan: PlannedReplay): string[] {
  const { counts, byStatus, projects, longestLane } = plan;
  const { sent, matched, scanned } = counts;
  return [
    `arrived from ${window.from.toISOString()} to ${window.to.toISOString()}`,
    mode === "rerun" ? "every match is run once more" : "what is dead or waits is tried again",
    `${matched} match, of ${plural(scanned, "stored event")}: ${[...byStatus].map(([status, count]) => `${count} ${status}`).join(", ") || "none"}`,
    ...counts.versions.map(
      ({ component, alias, version, count }) =>
        `${count} would go to ${component} ${alias}, ${version || "no version"}`,
    ),
    ...Object.entries(counts.skipped).map(
      ([reason, count]) => `${count} skipped, ${reason}: ${skipReasons[reason as keyof typeof skipReasons]}`,
    ),
    ...(sent === 0 ? [] : [`about ${secondsText(sent / DEFAULT_RATE_PER_SECOND)} at ${DEFAULT_RATE_PER_SECOND}/s`]),
    ...(projects === 0 ? [] : [`${plural(projects, "project")}, each one by one, the longest with ${longestLane}`]),
  ];
}
