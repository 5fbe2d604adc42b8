import { sha256 } from "../hash.ts";

/**
 * What an attempt is called in a worker's log, in the form of a UUID. Made of the delivery and the attempt, so that whoever
 * asks what was printed for an event finds it without its having been stored.
 */
export function requestIdOf(deliveryKey: string, attempt: number): string {
  const hex = sha256(`${deliveryKey}#${attempt}`);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
