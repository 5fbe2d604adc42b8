import { hash } from "node:crypto";

/** SHA-256 in hexadecimal. */
export function sha256(text: string): string {
  return hash("sha256", text, "hex");
}

const encoder = new TextEncoder();
let scratch = new Uint8Array(1024);

/** MurmurHash3 x86 32-bit of the text's UTF-8 bytes (Austin Appleby, public domain). Returns 0 to 2^32 - 1. */
export function murmur3(text: string, seed = 0): number {
  if (scratch.length < text.length * 3) scratch = new Uint8Array(text.length * 3);
  const bytes = scratch;
  const length = encoder.encodeInto(text, bytes).written;
  let mixed = seed | 0;
  const end = length & ~3;
  for (let i = 0; i < end; i += 4) {
    const block =
      byteAt(bytes, i) | (byteAt(bytes, i + 1) << 8) | (byteAt(bytes, i + 2) << 16) | (byteAt(bytes, i + 3) << 24);
    mixed ^= scramble(block);
    mixed = (mixed << 13) | (mixed >>> 19);
    mixed = (Math.imul(mixed, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = length - 1; i >= end; i--) tail = (tail << 8) | byteAt(bytes, i);
  if (length > end) mixed ^= scramble(tail);
  mixed ^= length;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

function scramble(block: number): number {
  const rotated = Math.imul(block, 0xcc9e2d51);
  return Math.imul((rotated << 15) | (rotated >>> 17), 0x1b873593);
}
