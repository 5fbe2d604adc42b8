import * as z from "zod/mini";
import { murmur3 } from "../hash.ts";
import type { Read } from "../text/schema.ts";
import { AliasName } from "./alias.ts";
import { Period } from "./period.ts";

/** A sticky share of subjects that a component sends to an alias. */
export const Rollout = z.extend(Period, {
  alias: AliasName,
  /** 0 to 10,000; 500 is 5 %. */
  basisPoints: z.int().check(z.minimum(0), z.maximum(10_000)),
  /** Which id is hashed. A subject without it is outside the rollout. */
  by: z.enum(["project", "customer", "user"]),
  /** The rollout's own, kept when the share changes, so that raising a share never evicts anyone. */
  salt: z.string().check(z.minLength(1)),
});
export type Rollout = z.infer<typeof Rollout>;

/** Reads a share such as `5%` or `0.25%` in basis points, exactly: a hundredth of a percent is the smallest step. */
export function readShare(text: string): Read<number> {
  const [, percent, hundredths = ""] = /^(\d{1,9})(?:\.(\d{1,2}))? ?%$/.exec(text) ?? [];
  if (percent === undefined) return { ok: false, problem: "expected a share such as 5% or 0.25%" };
  const basisPoints = Number(percent) * 100 + Number(hundredths.padEnd(2, "0"));
  if (basisPoints > 10_000) return { ok: false, problem: "a share is at most 100%" };
  return { ok: true, value: basisPoints };
}

/** E.g. `5%`, as `readShare` reads it. */
export function shareText(basisPoints: number): string {
  return `${basisPoints / 100}%`;
}

/**
 * The bucket of a subject, 0 to 9,999: `floor(murmur3_x86_32(salt + ":" + id) × 10000 / 2^32)`.
 * A subject is in the rollout when its bucket is below the rollout's basis points.
 */
export function bucketOf(subjectId: string, salt: string): number {
  return Math.floor((murmur3(`${salt}:${subjectId}`) * 10_000) / 2 ** 32);
}
