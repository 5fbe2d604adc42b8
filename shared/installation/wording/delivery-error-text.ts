import { deliveryRemedy, type FailedAttempt } from "../../domain/deliveries/delivery-remedy.ts";
import { remediesText } from "./remedy-text.ts";

/** Why an attempt failed, and what to do about it. */
export function deliveryErrorText(failed: FailedAttempt): string {
  const remedy = deliveryRemedy(failed);
  const told = `${failed.error.type}: ${failed.error.message}`;
  return remedy === undefined ? told : `${told}. ${remediesText([remedy])}`;
}
