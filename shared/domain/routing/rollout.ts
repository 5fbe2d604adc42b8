import * as z from "zod/mini";
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

const encoder = new TextEncoder();
let scratch = new Uint8Array(1024);

/** MurmurHash3 x86 32-bit of the text's UTF-8 bytes (Austin Appleby, public domain). Returns 0 to 2^32 - 1. */
export function murmur3(text: string, seed = 0): number {
  if (scratch.length < text.length * 3) scratch = new Uint8Array(text.length * 3);
  const bytes = scratch;
  const length = encoder.encodeInto(text, bytes).written;
  let hash = seed | 0;
  const end = length & ~3;
  for (let i = 0; i < end; i += 4) {
    const block =
      byteAt(bytes, i) | (byteAt(bytes, i + 1) << 8) | (byteAt(bytes, i + 2) << 16) | (byteAt(bytes, i + 3) << 24);
    hash ^= scramble(block);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = length - 1; i >= end; i--) tail = (tail << 8) | byteAt(bytes, i);
  if (length > end) hash ^= scramble(tail);
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
