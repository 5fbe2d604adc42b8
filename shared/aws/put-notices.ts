import { TurnoutError } from "../domain/errors.ts";
import { jsonRequest } from "./json-request.ts";
import type { Credentials } from "./sign-request.ts";

export type Bus = {
  name: string;
  region: string;
  credentials: () => Promise<Credentials>;
  /** Default: EventBridge's own in the region. */
  endpoint?: string | undefined;
};

const EVENT_BRIDGE = { name: "events", target: "AWSEvents", version: "1.1" } as const;

const TIMEOUT_MS = 3_000;

/**
 * Publishes events of Turnout's own, at most ten, as one request.
 * @throws TurnoutError `failed` when the bus has not taken one, AwsFailure
 */
export async function putNotices({ name, ...about }: Bus, events: readonly string[]): Promise<void> {
  const partition = about.region.startsWith("cn-") ? "aws-cn" : "aws";
  const ask = jsonRequest(EVENT_BRIDGE, { ...about, partition });
  const Entries = events.map((event) => entryOf(event, name));
  const answer = await ask("PutEvents", { Entries }, AbortSignal.timeout(TIMEOUT_MS));
  const taken = Array.isArray(answer.Entries) ? (answer.Entries as { EventId?: string; ErrorMessage?: string }[]) : [];
  const refused = events.findIndex((_, n) => taken[n]?.EventId === undefined);
  if (refused === -1) return;
  const why = taken[refused]?.ErrorMessage ?? "no answer";
  throw new TurnoutError("failed", `The bus ${name} has not taken a notice: ${why}.`);
}

function entryOf(event: string, EventBusName: string): object {
  const { source, "detail-type": type, time, detail } = JSON.parse(event);
  const seconds = Date.parse(time) / 1_000;
  return { Source: source, DetailType: type, Time: seconds, Detail: JSON.stringify(detail), EventBusName };
}
