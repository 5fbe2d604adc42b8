import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Read } from "../domain/text/schema.ts";

/** By default 16 KB are set aside for each text, and kept until it is sent. */
const MIN_CHUNK_BYTES = 64;
const MAX_CHUNK_BYTES = 16_384;

/**
 * A text, compressed, with a checksum of 4 bytes: without one, three of four flipped bits come out as another text that
 * nobody has published.
 */
export function compressed(plain: Uint8Array): Uint8Array {
  const chunkSize = Math.max(MIN_CHUNK_BYTES, Math.min(MAX_CHUNK_BYTES, plain.byteLength));
  return zstdCompressSync(plain, { chunkSize, params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}

/** What was compressed; or what is wrong with the bytes: damaged, or cut off. */
export function decompressed(bytes: Uint8Array): Read<Buffer> {
  try {
    return { ok: true, value: zstdDecompressSync(bytes) };
  } catch (error) {
    return { ok: false, problem: `is damaged: ${error instanceof Error ? error.message : error}` };
  }
}
