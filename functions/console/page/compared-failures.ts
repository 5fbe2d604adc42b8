import type { Failure } from "../../../shared/domain/health/failure.ts";
import type { SubjectLevel } from "../../../shared/domain/subject.ts";
import { readCounts } from "../../../shared/flows/watch/read-counts.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { RoutedComponent } from "./routed-components.ts";

const HOUR_MS = 3_600_000;

/** How far back its own failures are looked for, and the newest of everybody's that are looked through for them. */
const OWN_MS = 24 * HOUR_MS;
const MOST_LOOKED_AT = 500;

const MOST_LISTED = 20;

/** How often first attempts failed: of a subject on the version where it is, on others before, and of everybody there. */
export type Compared = { here: number; elsewhere: number; peers: { tried: number; failed: number } };

export type ComparedFailures = { by: ReadonlyMap<string, Compared>; newest: Failure[] };

/** Its own are exact, as far as failures are listed; its peers' are counted in the last hour. */
export async function comparedFailures(
  { events }: Pick<Installation, "events">,
  { level, id }: { level: SubjectLevel; id: string },
  routed: readonly RoutedComponent[],
  now: Date,
): Promise<ComparedFailures> {
  const to = new Date(now.getTime() + 1);
  const { counts } = await readCounts(events, { from: new Date(now.getTime() - HOUR_MS), to });
  const by = new Map<string, Compared>();
  const newest: Failure[] = [];
  for (const { component, version } of routed) {
    const all = await events.failures(component, { from: new Date(now.getTime() - OWN_MS), to }, MOST_LOOKED_AT);
    const own = all.filter(({ subject }) => subject[level] === id);
    const there = counts.filter((count) => count.component === component && count.version === version);
    by.set(component, {
      here: own.filter((failure) => failure.version === version).length,
      elsewhere: own.filter((failure) => failure.version !== version).length,
      peers: {
        tried: there.reduce((sum, { firsts }) => sum + firsts, 0),
        failed: there.reduce((sum, { failed }) => sum + failed, 0),
      },
    });
    newest.push(...own);
  }
  return { by, newest: newest.toSorted((a, b) => b.at.getTime() - a.at.getTime()).slice(0, MOST_LISTED) };
}
