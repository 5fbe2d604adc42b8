import type { EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import type { EventOutcome } from "../../shared/domain/deliveries/event-outcome.ts";
import type { Replay } from "../../shared/domain/replays/replay.ts";
import type { Ended } from "./world.ts";

/** A delivery in the operator's listing. What has been made good since is told as it was before. */
export type Row = Required<Omit<EventOutcome, "repairedBy">>;

export function rowsOf({ listing }: Ended): Row[] {
  return listing.flatMap(({ record, component, entry }) =>
    entry === undefined || component === undefined ? [] : [{ record, component, entry, status: entry.status }],
  );
}

/** Whether the replay made, or reopened, the delivery. */
export function isOf({ entry }: Row, { name, mode }: Pick<Replay, "name" | "mode">): boolean {
  return mode === "rerun" ? entry.generation === name : entry.replay === name;
}

/** Of the same event at the same component. */
export function isSame(a: Row, b: Row): boolean {
  return a.component === b.component && a.record === b.record;
}

/** What its publisher named the event. */
export function keyOf({ detailType, idempotencyKey }: EventRecord): { detailType: string; key: string } {
  return { detailType, key: idempotencyKey };
}
