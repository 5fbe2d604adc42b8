import type { Item } from "../dynamodb/dynamodb-batches.ts";

/** Undefined where it can't be told: then the store doesn't remove the item either. */
export function expiryIn({ expires }: Item): Date | undefined {
  const at = new Date(typeof expires === "number" ? expires * 1_000 : Number.NaN);
  return Number.isNaN(at.getTime()) ? undefined : at;
}
