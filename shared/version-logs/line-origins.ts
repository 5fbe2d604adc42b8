import type { FilteredLogEvent } from "@aws-sdk/client-cloudwatch-logs";
import type { LineOrigin } from "../domain/deliveries/request-id.ts";
import { readJson } from "../domain/text/schema.ts";
import type { LogLine } from "./version-logs.ts";

/** The groups that have a line per delivery, and how long after a version's own line its delivery's comes at the latest. */
export type DeliveryLines = { groups: readonly string[]; withinMs: number };

/** Whose a request was, as a delivery's line says. */
export type ToldRequest = { at: Date; requestId: string; origin: LineOrigin };

/** Clocks differ, and what is printed after the answer is still the request's. */
const KEPT_AFTER_MS = 60_000;

/** In the pattern language of CloudWatch Logs. */
export function deliveryLinesPattern(component: string): string {
  return `{ $.component = ${JSON.stringify(component)} && $.request_id = "*" }`;
}

/** What a delivery's line says of its request; nothing for any other line. */
export function toldRequest({ message = "", timestamp = 0 }: FilteredLogEvent): ToldRequest[] {
  const json = readJson(message);
  if (!json.ok || typeof json.value !== "object" || json.value === null) return [];
  const { request_id: requestId, attempt, "cloudevents.event_id": eventId } = json.value as Record<string, unknown>;
  if (typeof requestId !== "string" || typeof attempt !== "number" || typeof eventId !== "string") return [];
  return [{ at: new Date(timestamp), requestId, origin: { attempt, eventId } }];
}

/**
 * Lines with the event and attempt that they belong to, where a delivery's line names their request. Both come oldest
 * first, and each is read once: of the deliveries as far as `withinMs` past the line for which one is looked for.
 */
export async function* withOrigins(
  lines: AsyncIterable<LogLine>,
  told: AsyncIterator<ToldRequest>,
  withinMs: number,
): AsyncGenerator<LogLine> {
  const known = new Map<string, ToldRequest>();
  let readTo = Number.NEGATIVE_INFINITY;

  async function find(requestId: string, untilMs: number): Promise<LineOrigin | undefined> {
    while (!known.has(requestId) && readTo <= untilMs) {
      const { done, value } = await told.next();
      readTo = done ? Number.POSITIVE_INFINITY : value.at.getTime();
      if (!done) known.set(value.requestId, value);
    }
    return known.get(requestId)?.origin;
  }

  for await (const line of lines) {
    const atMs = line.at.getTime();
    for (const [id, { at }] of known) {
      if (at.getTime() + KEPT_AFTER_MS >= atMs) break;
      known.delete(id);
    }
    const origin = line.requestId === undefined ? undefined : await find(line.requestId, atMs + withinMs);
    yield { ...line, ...origin };
  }
}
