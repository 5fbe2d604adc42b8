import type { EventRecord, LedgerEntry } from "../../domain/deliveries/delivery.ts";
import type { EventOutcome } from "../../domain/deliveries/event-outcome.ts";
import type { ReplayPlan } from "../../domain/replays/judge-event.ts";
import type { ReplayRequest, SkipReason } from "../../domain/replays/replay.ts";
import type { Delivery } from "../deliver/router-ports.ts";

/** One thing that a replay's filter matches, and what becomes of it. */
export type ReplayItem = { record: EventRecord; component?: string; entry?: LedgerEntry } & Pick<
  EventOutcome,
  "repairedBy"
> &
  (
    | { kind: "deliver"; delivery: Delivery /** Behind the alias that it would go to. */; version: string | undefined }
    | { kind: "begun"; entry: LedgerEntry }
    | { kind: "skip"; reason: SkipReason }
  );

export type DeliverItem = ReplayItem & { kind: "deliver" };
export type BegunItem = ReplayItem & { kind: "begun" };
export type SkipItem = ReplayItem & { kind: "skip" };

/** The replay as it is matched: what was asked for, its name, and when it began; a plan begins now. */
export type MatchedReplay = ReplayRequest & Pick<ReplayPlan, "name" | "startedAt">;
