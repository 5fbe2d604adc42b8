import { createHmac, timingSafeEqual } from "node:crypto";
import type { LedgerEntry } from "./delivery.ts";

/** The attempt that a token is for, and the function that it was handed to, by its ARN without a qualifier. */
export type TokenScope = Pick<LedgerEntry, "deliveryKey" | "attempt"> & { functionArn: string };

/**
 * What an asynchronous attempt hands back with its outcome, so that nobody closes an attempt that was another's: 43
 * characters of base64url. Any component may write to the outcomes queue.
 *
 * Made with the claim's owner, a random UUID that is in the ledger anyway and goes nowhere else: the entry grows by
 * nothing, no request is added, and who has the tokens of some attempts learns nothing of another's.
 */
export function outcomeToken(owner: string, { deliveryKey, attempt, functionArn }: TokenScope): string {
  return createHmac("sha256", owner)
    .update(JSON.stringify([deliveryKey, attempt, functionArn]))
    .digest("base64url");
}

export function isTokenOf(token: string, owner: string, scope: TokenScope): boolean {
  const [given, expected] = [Buffer.from(token), Buffer.from(outcomeToken(owner, scope))];
  return given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
}
