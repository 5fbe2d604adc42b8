import { type Replay, type ReplayCounts, type SkipReason, statusOf, type VersionCount } from "./replay.ts";
import { versionKey } from "./replay-counts.ts";

/** The counts that are told to a person: those of the last pass that was whole. */
export function toldCounts({ progress }: Replay): ReplayCounts {
  return progress.before ?? progress.counts;
}

/** Where the replay is, e.g. `running: 120 of 300 sent, 118 done, 2 dead`. */
export function progressText(replay: Replay, now: Date): string {
  const { sent, done, dead, open } = toldCounts(replay);
  const states = [`${done} done`, dead > 0 ? `${dead} dead` : "", open > 0 ? `${open} open` : ""].filter(Boolean);
  const trouble = replay.progress.trouble === undefined ? "" : `; trouble: ${replay.progress.trouble}`;
  return `${statusText(replay, now)}: ${sent} of ${replay.planned.sent} sent, ${states.join(", ")}${trouble}`;
}

/** The status, with what it waits for. */
export function statusText(replay: Replay, now: Date): string {
  const status = statusOf(replay, now);
  const { stretches, nextPassAt } = replay.progress;
  if (status !== "waiting" || nextPassAt === undefined) return status;
  const at = nextPassAt.toISOString().slice(11, 19);
  const open = stretches.reduce((sum, { waitsFor }) => sum + waitsFor, 0);
  if (open === 0) return `waiting until ${at}, to look again for events that were just arriving`;
  return `waiting until ${at}, for ${open} that ${open === 1 ? "isn't" : "aren't"} at rest`;
}

/** Where what was sent differs from what had been planned, a line each; empty when it doesn't. */
export function differenceLines({ planned, progress }: Replay): string[] {
  const { counts } = progress;
  const [before, after] = [countsByVersion(planned), countsByVersion(counts)];
  const lines: string[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(key), after.get(key)];
    if (was?.count === is?.count) continue;
    const one = is ?? was;
    if (one === undefined) continue;
    const { component, alias, version } = one;
    const where = `${component} ${alias}, ${version === "" ? "no version" : `version ${version}`}`;
    lines.push(`${where}: ${was?.count ?? 0} planned, ${is?.count ?? 0} sent`);
  }
  const reasons = new Set([...Object.keys(planned.skipped), ...Object.keys(counts.skipped)]) as Set<SkipReason>;
  for (const reason of reasons) {
    const [was = 0, is = 0] = [planned.skipped[reason], counts.skipped[reason]];
    if (was !== is) lines.push(`${reason}: ${was} to be skipped as planned, ${is} skipped`);
  }
  return lines;
}

function countsByVersion({ versions }: ReplayCounts): Map<string, VersionCount> {
  return new Map(versions.map((one) => [versionKey(one), one]));
}

/** E.g. `45 s`, `12 min`, `3 h 20 min`. */
export function secondsText(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.ceil(seconds))} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const rest = minutes % 60 === 0 ? "" : ` ${minutes % 60} min`;
  return `${Math.floor(minutes / 60)} h${rest}`;
}

/** Up to when its window has been gone through; what is open of that is looked at again. */
export function goneThroughTo({ window, progress: { pass, after, nextPassAt, endedAt } }: Replay): Date | "all" {
  if (pass > 1 || nextPassAt !== undefined || endedAt !== undefined) return "all";
  return after?.t0 ?? window.from;
}
