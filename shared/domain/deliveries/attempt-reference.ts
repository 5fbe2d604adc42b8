import { sha256 } from "../hash.ts";
import { TOKEN_CHARS } from "./outcome-token.ts";

/** An attempt, by so much as is enough to find it in the ledger and to show that it was handed over. */
export type AttemptReference = { eventKey: string; mark: string; attempt: number; token: string };

/** Of an outcome's token, where there is little room: 132 bits. */
export const SHORT_TOKEN_CHARS = 22;

/** Among the deliveries of one event, at all components and in all generations: 8 hexadecimal digits tell which. */
export function deliveryMark(deliveryKey: string): string {
  return sha256(deliveryKey).slice(0, 8);
}

/**
 * Names an asynchronous attempt where nothing but a name comes back: at most 80 letters, digits, `-` and `_`, as an
 * execution of Step Functions takes them.
 */
export function attemptReference(attempt: { eventKey: string; deliveryKey: string; attempt: number; token: string }) {
  const eventKey = Buffer.from(attempt.eventKey, "hex").toString("base64url");
  const token = attempt.token.slice(0, SHORT_TOKEN_CHARS);
  return `${eventKey}${deliveryMark(attempt.deliveryKey)}${token}-${attempt.attempt}`;
}

const REFERENCE = new RegExp(`^([\\w-]{${TOKEN_CHARS}})([0-9a-f]{8})([\\w-]{${SHORT_TOKEN_CHARS}})-(\\d{1,6})$`);

/** Undefined for a name that is none of Turnout's. */
export function readAttemptReference(text: string): AttemptReference | undefined {
  const [, eventKey, mark, token, attempt] = REFERENCE.exec(text) ?? [];
  if (eventKey === undefined || mark === undefined || token === undefined) return undefined;
  return { eventKey: Buffer.from(eventKey, "base64url").toString("hex"), mark, token, attempt: Number(attempt) };
}

const STARTER = "turnout/";

/**
 * How a task says by whom it was started, and in which container the work is: at most 126 characters of the 128 that ECS
 * takes, where the container's name has no more than 36.
 */
export function taskStarter(reference: string, container: string): string {
  return `${STARTER}${reference}/${container}`;
}

/** Undefined for a task that somebody else has started. */
export function readTaskStarter(text: string): (AttemptReference & { container: string }) | undefined {
  const [reference = "", container] = text.startsWith(STARTER) ? text.slice(STARTER.length).split("/") : [];
  const read = readAttemptReference(reference);
  return read === undefined || container === undefined ? undefined : { ...read, container };
}
