import type { DeliveryCount } from "./delivery-count.ts";
import { OTHERS } from "./delivery-tally.ts";

/**
 * Whether an error was seen on this version, and on no other one of its component.
 * @param counts of the component: of the window, and of the days before it
 */
export function isFirstSeenOn(version: string, error: string, counts: readonly DeliveryCount[]): boolean {
  if (error === OTHERS) return false;
  const shown = counts.filter(({ errors }) => errors.has(error));
  return shown.length > 0 && shown.every((count) => count.version === version);
}
