import type { Remedy } from "../remedy.ts";
import type { DeliveryError } from "./delivery.ts";

/** The type of the error that tells that an alias points at no version. */
export const NO_VERSION = "NoVersion";

/** An attempt that failed, as far as it says what to do. */
export type FailedAttempt = {
  component: string | undefined;
  alias: string | undefined;
  error: DeliveryError;
  executedVersion?: string | undefined;
};

/** What to do about the error of an attempt. What a version has thrown may be called anything, and is the version's own. */
export function deliveryRemedy({ component, alias, error, executedVersion }: FailedAttempt): Remedy | undefined {
  if (error.type !== NO_VERSION || executedVersion !== undefined) return undefined;
  return component === undefined || alias === undefined
    ? undefined
    : { operation: "publish version", component, alias };
}
