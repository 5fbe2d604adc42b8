import type { LedgerEntry } from "../deliveries/delivery.ts";
import type { ReplayCounts, SkipReason, VersionCount } from "./replay.ts";

/** Where a delivery of a replay stands: `open` until it is at rest. */
export type DeliveryState = "done" | "dead" | "open";

/** What a pass notes of one thing that the filter matched. */
export type CountedItem =
  | { kind: "skip"; reason: SkipReason }
  | ({ kind: "sent"; state: DeliveryState } & Omit<VersionCount, "count">)
  /** What a plan says would be sent. */
  | ({ kind: "planned" } & Omit<VersionCount, "count">);

export function stateOf({ status }: Pick<LedgerEntry, "status">): DeliveryState {
  if (status === "done") return "done";
  return status === "dead" || status === "rejected" ? "dead" : "open";
}

/** The counts with these items of as many records more. */
export function withCounted(counts: ReplayCounts, scanned: number, items: readonly CountedItem[]): ReplayCounts {
  const versions = new Map(counts.versions.map((one) => [versionKey(one), { ...one }]));
  const sum: ReplayCounts = {
    ...counts,
    scanned: counts.scanned + scanned,
    matched: counts.matched + items.length,
    skipped: { ...counts.skipped },
  };
  for (const item of items) {
    if (item.kind === "skip") {
      sum.skipped[item.reason] = (sum.skipped[item.reason] ?? 0) + 1;
      continue;
    }
    sum.sent += 1;
    if (item.kind === "sent") sum[item.state] += 1;
    const { component, alias, version } = item;
    const one = versions.get(versionKey(item)) ?? { component, alias, version, count: 0 };
    one.count += 1;
    versions.set(versionKey(item), one);
  }
  return { ...sum, versions: [...versions.values()].toSorted(byVersion) };
}

export function versionKey({ component, alias, version }: Omit<VersionCount, "count">): string {
  return `${component}#${alias}#${version}`;
}

function byVersion(a: VersionCount, b: VersionCount): number {
  return versionKey(a).localeCompare(versionKey(b), "en", { numeric: true });
}

export function skippedInAll({ skipped }: ReplayCounts): number {
  return Object.values(skipped).reduce((sum, count) => sum + count, 0);
}

/** The counts after a part of the window was looked at again. */
export function withRecounted(counts: ReplayCounts, before: ReplayCounts, now: ReplayCounts): ReplayCounts {
  return sumOf(sumOf(counts, before, -1), now, 1);
}

export function summed(a: ReplayCounts, b: ReplayCounts): ReplayCounts {
  return sumOf(a, b, 1);
}

/** `a` and `sign` times `b`. */
function sumOf(a: ReplayCounts, b: ReplayCounts, sign: 1 | -1): ReplayCounts {
  const versions = new Map(a.versions.map((one) => [versionKey(one), one]));
  for (const one of b.versions) {
    const count = (versions.get(versionKey(one))?.count ?? 0) + sign * one.count;
    versions.set(versionKey(one), { ...one, count });
  }
  const skipped = { ...a.skipped };
  for (const [name, count] of Object.entries(b.skipped)) {
    const reason = name as SkipReason;
    const sum = (skipped[reason] ?? 0) + sign * count;
    if (sum === 0) delete skipped[reason];
    else skipped[reason] = sum;
  }
  return {
    scanned: a.scanned + sign * b.scanned,
    matched: a.matched + sign * b.matched,
    sent: a.sent + sign * b.sent,
    versions: [...versions.values()].filter(({ count }) => count !== 0).toSorted(byVersion),
    skipped,
    done: a.done + sign * b.done,
    dead: a.dead + sign * b.dead,
    open: a.open + sign * b.open,
  };
}
