import * as z from "zod/mini";
import { Instant } from "../text/schema.ts";

/** The source of events that Turnout publishes about itself. A component can listen to it as to any other. */
export const NOTICE_SOURCE = "turnout";

/** Commands as words, for whoever is told: one that looks further, and one that acts, null where nothing is left to do. */
const Commands = { command: z.array(z.string()), acts: z.nullable(z.array(z.string())) };

/** What a guard has found of a version, and what it has done about it. */
const GuardVerdictDetail = z.object({
  component: z.string(),
  alias: z.string(),
  version: z.string(),
  /** `worse for one`: it fails for one customer alone, who was taken off it. */
  verdict: z.enum(["worse", "worse for one"]),
  /** Whom it is worse for, e.g. `customer acme`. */
  about: z.optional(z.string()),
  /** The evidence in a sentence. */
  why: z.string(),
  mode: z.string(),
  done: z.string(),
  at: Instant,
  ...Commands,
});

/** What a release has done: a step, the promotion, a pause, or that it was taken back or has come to its end. */
const ReleaseStepDetail = z.object({
  release: z.string(),
  component: z.string(),
  version: z.string(),
  alias: z.string(),
  did: z.enum(["step", "promote", "finish", "pause", "take back", "end"]),
  /** In words, e.g. `cohort staff` or `5%`. */
  step: z.nullable(z.string()),
  why: z.nullable(z.string()),
  at: Instant,
  ...Commands,
});

/** A delivery that is given up. */
const DeliveryDeadDetail = z.object({
  component: z.string(),
  alias: z.nullable(z.string()),
  version: z.nullable(z.string()),
  event: z.object({ id: z.string(), source: z.string(), type: z.string() }),
  error: z.nullable(z.object({ type: z.string(), message: z.string() })),
  at: Instant,
  ...Commands,
});

/** A replay that has come to its end. */
const ReplayEndedDetail = z.object({
  replay: z.string(),
  status: z.string(),
  sent: z.number(),
  done: z.number(),
  dead: z.number(),
  at: Instant,
  ...Commands,
});

/** What Turnout publishes about itself, by the type of its events. */
export const noticeDetails = {
  "Guard Verdict": GuardVerdictDetail,
  "Release Step": ReleaseStepDetail,
  "Delivery Dead": DeliveryDeadDetail,
  "Replay Ended": ReplayEndedDetail,
} as const;
export type NoticeType = keyof typeof noticeDetails;

export type Notice = { [T in NoticeType]: { type: T; detail: z.infer<(typeof noticeDetails)[T]> } }[NoticeType];

/** The words of a command that acts, with the reason that it needs. */
export function actingCommand(type: NoticeType, ...words: readonly string[]): string[] {
  return ["turnout", ...words, "--reason", `told by a ${type}`];
}

/** The words of the one that has delivered again what is unresolved, of what was published in that time. */
export function finishingCommand(type: NoticeType, from: Date, to: Date, ...filter: readonly string[]): string[] {
  const window = ["--from", from.toISOString(), "--to", to.toISOString()];
  return actingCommand(type, "replay", "start", "--unresolved", "--mode", "finish", ...window, ...filter);
}

/**
 * A notice as an event of the bus. Told twice of the same thing it is the same event: the key says what it is about.
 * @param key without blanks, unlike that of any other notice of its type
 */
export function noticeEvent({ type, detail }: Notice, key: string): string {
  return JSON.stringify({
    version: "0",
    id: `${type.toLowerCase().replaceAll(" ", "-")}-${key}`,
    source: NOTICE_SOURCE,
    "detail-type": type,
    time: detail.at,
    detail: { ...detail, metadata: { idempotencyKey: key } },
  });
}
