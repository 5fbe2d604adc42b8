import { type ChangeFilter, passesFilter } from "../../domain/routing/change-filter.ts";
import type { ChangeLogEntry, Revision } from "../../domain/routing/routing-change.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";

type ChangeLog = Pick<RoutingTableReader, "head" | "changesAfter">;

const CHANGES_PER_PAGE = 200;

/**
 * A change has the time of its operator's clock at which the command began, so the log is only nearly sorted by time.
 * Half of this is how far clocks may be apart, a prompt may wait, and a long import may take.
 */
const DISORDER_MS = 24 * 60 * 60_000;

/**
 * Changes that the filter lets through, the newest last, a page at a time; with a limit only the newest so many.
 * Without a time the whole log is read, with one that part; never more than a page and `limit` changes are held.
 */
export async function* readHistory(
  log: ChangeLog,
  filter: ChangeFilter,
  limit?: number,
): AsyncGenerator<ChangeLogEntry[]> {
  const head = await log.head();
  const first = filter.from === undefined ? 1 : await firstAround(log, filter.from.getTime() - DISORDER_MS, head);
  const end = filter.to === undefined ? head : await firstAround(log, filter.to.getTime() + DISORDER_MS, head);
  if (limit !== undefined) {
    const newest: ChangeLogEntry[] = [];
    for await (const page of backwards(log, end, first)) {
      newest.push(...page.filter((change) => passesFilter(change, filter)));
      if (newest.length >= limit) break;
    }
    if (newest.length > 0) yield newest.slice(0, limit).reverse();
    return;
  }
  for (let after = first - 1; after < end; ) {
    const page = await log.changesAfter(after, Math.min(CHANGES_PER_PAGE, end - after));
    const passed = page.filter((change) => passesFilter(change, filter));
    if (passed.length > 0) yield passed;
    if (page.length === 0) return;
    after += page.length;
  }
}

/** The newest change at or before `time`; undefined when the first one came later. */
export async function changeAt(log: ChangeLog, time: Date): Promise<ChangeLogEntry | undefined> {
  const head = await log.head();
  const last = await firstAround(log, time.getTime() + DISORDER_MS, head);
  for await (const page of backwards(log, last, 1)) {
    const found = page.find((change) => change.unreadable === undefined && change.at <= time);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A change by its revision; undefined when there is none. */
export async function changeOf(log: ChangeLog, revision: Revision): Promise<ChangeLogEntry | undefined> {
  const [change] = revision < 1 ? [] : await log.changesAfter(revision - 1, 1);
  return change;
}

/** A revision at whose change the clock passes `timeMs`, or the head: about log2 of the log reads of one change each. */
async function firstAround(log: ChangeLog, timeMs: number, head: Revision): Promise<Revision> {
  let [low, high] = [1, Math.max(1, head)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const change = await readableFrom(log, middle, high);
    if (change === undefined || change.at.getTime() >= timeMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The first change from `revision` on that can be read; an entry that can't has no time. */
async function readableFrom(log: ChangeLog, revision: Revision, last: Revision): Promise<ChangeLogEntry | undefined> {
  for (let next = revision; next <= last; next++) {
    const change = await changeOf(log, next);
    if (change?.unreadable === undefined) return change;
  }
  return undefined;
}

/** Pages of changes from `last` down to `first`, in each the newest first. */
export async function* backwards(log: ChangeLog, last: Revision, first: Revision): AsyncGenerator<ChangeLogEntry[]> {
  for (let end = last; end >= first; end -= CHANGES_PER_PAGE) {
    const after = Math.max(first - 1, end - CHANGES_PER_PAGE);
    yield (await log.changesAfter(after, end - after)).reverse();
  }
}
