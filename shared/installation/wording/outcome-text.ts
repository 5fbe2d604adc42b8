import type { EventOutcome } from "../../domain/deliveries/event-outcome.ts";
import { deliveryErrorText } from "./delivery-error-text.ts";

/** E.g. `dead`, or `repaired by after-the-outage`. */
export function statusText({ status, repairedBy }: EventOutcome): string {
  return repairedBy === undefined ? status : `${status} by ${repairedBy}`;
}

/** Why an event or its delivery failed, and what to do about it; undefined where it didn't. */
export function outcomeErrorText(outcome: EventOutcome): string | undefined {
  const { component, entry } = outcome;
  const error = outcomeError(outcome);
  return error && deliveryErrorText({ component, alias: entry?.alias, error, executedVersion: entry?.executedVersion });
}

/** The error of a delivery, or of an event that could never be delivered. */
export function outcomeError({
  record,
  entry,
}: Pick<EventOutcome, "record"> & { entry?: EventOutcome["entry"] | undefined }) {
  if (entry === undefined && record.rejected !== undefined) return { type: "Unreadable", message: record.rejected };
  if (entry?.error !== undefined || record.unavailable === undefined) return entry?.error;
  return { type: "BodyUnavailable", message: record.unavailable };
}
