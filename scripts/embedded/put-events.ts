import { TurnoutError } from "../../shared/domain/errors.ts";
import { acceptEvents, type Intake } from "./accept-events.ts";
import { type Answer, amzError, errorSaid } from "./answer.ts";
import { readPutEvents } from "./read-put-events.ts";

/** The value of the `X-Amz-Target` header that this server knows. */
export const PUT_EVENTS = "AWSEvents.PutEvents";

/** So that names from outside can't fill the memory. */
const MAX_BUSES_TOLD = 100;

/**
 * Answers EventBridge's PutEvents, as `readPutEvents` says. The valid entries of a request are stored together. Status 500
 * `InternalException`, which the SDKs retry: they could not be stored. Who publishes to a bus that doesn't exist is told
 * nothing, `onUnknownBus` is.
 */
export async function putEvents(body: Buffer, intake: Intake): Promise<Answer> {
  const now = intake.now();
  const read = intake.readPutEvents?.(body, now) ?? readPutEvents(body, now, intake.newId);
  const { answer, arrivals, unknownBuses } = await read;
  if (intake.onUnknownBus !== undefined) for (const bus of unknownBuses) intake.onUnknownBus(bus);
  try {
    await acceptEvents(intake, arrivals, now);
  } catch (error) {
    return amzError(500, "InternalException", `The events could not be stored: ${errorSaid(error)}`);
  }
  return answer;
}

/** Tells of a bus that doesn't exist once: who has the name wrong has it wrong with every event. */
export function tellUnknownBuses(onError: (error: TurnoutError) => void): (bus: string) => void {
  const told = new Set<string>();
  return (bus) => {
    if (told.has(bus) || told.size >= MAX_BUSES_TOLD) return;
    told.add(bus);
    const remedy = "As on EventBridge they are dropped. Publish to 'default' or 'turnout', or name no bus";
    onError(new TurnoutError("failed", `Events are published to the bus '${bus}', which doesn't exist. ${remedy}.`));
  };
}
