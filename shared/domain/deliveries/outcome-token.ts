import { createHmac, timingSafeEqual } from "node:crypto";
import type { LedgerEntry } from "./delivery.ts";

/** Of 32 bytes, in base64url. */
export const TOKEN_CHARS = 43;

/** The attempt that a token is for, and who it was handed to, by an ARN without a qualifier. */
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

/** @param chars how much of a token is given where there is little room; default all of it */
export function isTokenOf(token: string, owner: string, scope: TokenScope, chars = TOKEN_CHARS): boolean {
  const [given, expected] = [Buffer.from(token), Buffer.from(outcomeToken(owner, scope).slice(0, chars))];
  return given.byteLength === expected.byteLength && timingSafeEqual(given, expected);
}
