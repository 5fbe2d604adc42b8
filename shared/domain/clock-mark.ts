/*
 * A state remembers the latest time that it was in use at: its mark. A clock that is far from it has been set, wrongly
 * now or wrongly before, and what depends on it must not all be done at once:
 *
 * - More than an hour behind the mark, or before Turnout was made: a server doesn't start, since all that it would take
 *   in would have expired once the clock is right. One that runs says so, and nothing expires meanwhile.
 * - More than a week ahead of it, be it that the machine was off or that the clock was set: nothing expires later than a
 *   week after the mark until a server has run for a day at the new time. It says so. What waits is delivered at once.
 */

import { TurnoutError } from "./errors.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const BEHIND_MS = HOUR_MS;
const AHEAD_MS = 7 * DAY_MS;

/** How long a server has to run at a time that is far ahead until that is taken as the time. */
export const STEADY_MS = DAY_MS;

/** No clock that is right has been before this. */
const EARLIEST = new Date("2025-01-01T00:00:00.000Z");

/** How a clock stands to the mark. Without a mark, in a new state, every time but one before Turnout was made is near. */
export function standing(now: Date, mark: Date | undefined): "near" | "behind" | "ahead" {
  if (now < EARLIEST || (mark !== undefined && now.getTime() < mark.getTime() - BEHIND_MS)) return "behind";
  return mark !== undefined && now.getTime() > mark.getTime() + AHEAD_MS ? "ahead" : "near";
}

/** The time by which things have expired: never far ahead of the mark. */
export function expiryTime(now: Date, mark: Date | undefined): Date {
  return mark === undefined ? now : new Date(Math.min(now.getTime(), mark.getTime() + AHEAD_MS));
}

/** What is wrong with a clock that isn't near; undefined of one that is. */
export function clockProblem(now: Date, mark: Date | undefined): TurnoutError | undefined {
  const [says, was] = [now.toISOString(), (mark ?? EARLIEST).toISOString()];
  switch (standing(now, mark)) {
    case "near":
      return undefined;
    case "behind":
      return mark === undefined
        ? new TurnoutError("failed", `The clock says ${says}, which is before Turnout was made. Set the clock.`)
        : new TurnoutError("failed", `The clock says ${says}, and this state was in use at ${was}. Set the clock.`, {
            remedies: [{ operation: "trust clock" }],
          });
    case "ahead":
      return new TurnoutError(
        "failed",
        `The clock says ${says}, and this state was last in use at ${was}. Nothing expires until the server has run ` +
          "for a day; what waits is delivered now. If the clock is wrong, stop the server and set it.",
      );
  }
}
