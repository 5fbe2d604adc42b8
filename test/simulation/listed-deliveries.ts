import type { EventRecord } from "../../shared/domain/delivery.ts";
import type { EventOutcome } from "../../shared/domain/event-outcome.ts";
import type { Replay } from "../../shared/domain/replay.ts";
import type { Ended } from "./world.ts";

/** A delivery in the operator's listing. */
export type Row = Required<EventOutcome>;

export function rowsOf({ listing }: Ended): Row[] {
  return listing.filter((row): row is Row => row.entry !== undefined && row.component !== undefined);
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
