import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { murmur3 } from "../../../shared/domain/hash.ts";
import { bucketOf, Rollout, readShare, shareText } from "../../../shared/domain/routing/rollout.ts";
import { read } from "../../../shared/domain/text/schema.ts";

describe("murmur3", () => {
  // SMHasher's reference, as listed with the algorithm on Wikipedia and Stack Overflow (question 14747343).
  it.each([
    ["", 0, 0],
    ["", 1, 0x514e28b7],
    ["", 0xffffffff, 0x81f16f39],
    ["\0", 0, 0x514e28b7],
    ["\0\0", 0, 0x30f4c306],
    ["\0\0\0", 0, 0x85f0b427],
    ["\0\0\0\0", 0, 0x2362f9de],
    ["!Ce", 0, 0x7e4a8634],
    ["!C", 0, 0xa0f7b07a],
    ["!", 0, 0x72661cf4],
    ["test", 0, 0xba6bd213],
    ["Hello, world!", 0, 0xc0363e43],
    ["The quick brown fox jumps over the lazy dog", 0, 0x2e4ff723],
    ["abc", 0, 0xb3dd93fa],
    ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 0, 0xee925b90],
    ["a", 0x9747b28c, 0x7fa09ea6],
    ["aa", 0x9747b28c, 0x5d211726],
    ["aaa", 0x9747b28c, 0x283e0130],
    ["aaaa", 0x9747b28c, 0x5a97808a],
    ["ab", 0x9747b28c, 0x74875592],
    ["abc", 0x9747b28c, 0xc84a62dd],
    ["abcd", 0x9747b28c, 0xf0478627],
    ["Hello, world!", 0x9747b28c, 0x24884cba],
    ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
    ["a".repeat(256), 0x9747b28c, 0x37405bdc],
    ["ππππππππ", 0x9747b28c, 0xd58063c1],
  ])("murmur3 of %j with seed %i is the published value", (text, seed, hash) => {
    expect(murmur3(text, seed).toString(16)).toBe(hash.toString(16));
  });

  it("hashes the UTF-8 bytes of any text as the reference does, whatever was hashed before", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme", minLength: 300, maxLength: 900 }),
    );
    fc.assert(
      fc.property(text, fc.nat(0xffffffff), (value, seed) => {
        expect(murmur3(value, seed)).toBe(referenceMurmur3(Buffer.from(value), seed));
      }),
    );
  });
});

describe("bucketOf", () => {
  // Golden: another number here moves customers between versions in production.
  it.each([
    ["customer-42", "salt", 9080],
    ["acme", "release-coordinator", 7171],
    ["acme/site", "release-coordinator", 6265],
    ["Ærøskøbing ☕ 東京", "2026-11", 3188],
    ["", "salt", 8317],
  ])("bucketOf of %j with salt %j stays %i", (id, salt, bucket) => {
    expect(bucketOf(id, salt)).toBe(bucket);
  });

  it("spreads subjects evenly", () => {
    const bins = new Array<number>(100).fill(0);
    const subjects = 100_000;
    for (let i = 0; i < subjects; i++) {
      const bin = Math.floor(bucketOf(`customer-${i}`, "salt") / 100);
      bins[bin] = (bins[bin] ?? 0) + 1;
    }
    const expected = subjects / bins.length;
    const chiSquare = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // The 99.99th percentile for 99 degrees of freedom.
    expect(chiSquare).toBeLessThan(161);
  });

  it("is from 0 to 9,999", () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), (id, salt) => {
        const bucket = bucketOf(id, salt);
        expect(Number.isInteger(bucket) && bucket >= 0 && bucket < 10_000).toBe(true);
      }),
    );
  });

  it("puts different customers into the same share of two rollouts", () => {
    const inFirstTenth = (salt: string) =>
      new Set(Array.from({ length: 10_000 }, (_, i) => `customer-${i}`).filter((id) => bucketOf(id, salt) < 1_000));
    const both = inFirstTenth("one").intersection(inFirstTenth("two"));
    expect(both.size).toBeGreaterThan(50);
    expect(both.size).toBeLessThan(150);
  });
});

describe("a rollout", () => {
  const rollout = { alias: "beta", basisPoints: 500, by: "customer", salt: "s" };

  it("is taken with 0 to 10,000 basis points", () => {
    for (const basisPoints of [0, 500, 10_000]) expect(read(Rollout, { ...rollout, basisPoints }).ok).toBe(true);
  });

  it.each([
    [{ basisPoints: -1 }, "basisPoints"],
    [{ basisPoints: 10_001 }, "basisPoints"],
    [{ basisPoints: 0.5 }, "basisPoints"],
    [{ by: "plan" }, "by"],
    [{ salt: "" }, "salt"],
    [{ alias: "Beta" }, "alias"],
    [{ until: "tomorrow" }, "until"],
    [{ untill: "2026-11-20T10:00:00.000Z" }, "untill"],
  ])("refuses %j and names the field", (wrong, field) => {
    const result = read(Rollout, { ...rollout, ...wrong });
    expect(result).toEqual({ ok: false, problem: expect.stringContaining(field) });
  });
});

describe("a share", () => {
  it.each([
    ["5%", 500],
    ["0.25%", 25],
    ["0.5 %", 50],
    ["12.05%", 1_205],
    ["0%", 0],
    ["100%", 10_000],
  ])("%s is %i basis points", (text, basisPoints) => {
    expect(readShare(text)).toEqual({ ok: true, value: basisPoints });
  });

  it.each(["5", "-5%", "0.125%", "1e1%", ".5%", "5%%", "1234567890%"])("refuses %s and shows how one looks", (text) => {
    expect(readShare(text)).toEqual({ ok: false, problem: "expected a share such as 5% or 0.25%" });
  });

  it.each(["100.01%", "101%"])("refuses %s, which is more than all", (text) => {
    expect(readShare(text)).toEqual({ ok: false, problem: "a share is at most 100%" });
  });

  it("is written as it is read", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), (basisPoints) => {
        expect(readShare(shareText(basisPoints))).toEqual({ ok: true, value: basisPoints });
      }),
    );
  });
});

/** The reference algorithm, word for word, in integers that don't overflow. */
function referenceMurmur3(bytes: Uint8Array, seed: number): number {
  const u32 = (value: bigint) => value & 0xffffffffn;
  const rotl = (value: bigint, by: bigint) => u32((value << by) | (value >> (32n - by)));
  const mixed = (block: bigint) => u32(rotl(u32(block * 0xcc9e2d51n), 15n) * 0x1b873593n);
  const word = (from: number, to: number) =>
    bytes.slice(from, to).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const whole = bytes.length - (bytes.length % 4);
  let hash = BigInt(seed);
  for (let i = 0; i < whole; i += 4) hash = u32(rotl(hash ^ mixed(word(i, i + 4)), 13n) * 5n + 0xe6546b64n);
  if (whole < bytes.length) hash ^= mixed(word(whole, bytes.length));
  hash ^= BigInt(bytes.length);
  hash = u32((hash ^ (hash >> 16n)) * 0x85ebca6bn);
  hash = u32((hash ^ (hash >> 13n)) * 0xc2b2ae35n);
  return Number(hash ^ (hash >> 16n));
}
