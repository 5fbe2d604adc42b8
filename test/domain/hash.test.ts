import { expect, it } from "vitest";
import { murmur3, sha256 } from "../../shared/domain/hash.ts";

it.each([
  ["", 0, 0],
  ["", 1, 0x514e28b7],
  ["", 0xffffffff, 0x81f16f39],
  ["a", 0x9747b28c, 0x7fa09ea6],
  ["aa", 0x9747b28c, 0x5d211726],
  ["aaa", 0x9747b28c, 0x283e0130],
  ["aaaa", 0x9747b28c, 0x5a97808a],
  ["abc", 0, 0xb3dd93fa],
  ["abcd", 0x9747b28c, 0xf0478627],
  ["Hello, world!", 0x9747b28c, 0x24884cba],
  ["ππππππππ", 0x9747b28c, 0xd58063c1],
  ["The quick brown fox jumps over the lazy dog", 0, 0x2e4ff723],
  ["a".repeat(256), 0x9747b28c, 0x37405bdc],
  ["東".repeat(1_000), 0x9747b28c, 0x6af22f69],
])("MurmurHash3 of '%s' with seed %i is what everybody else's is", (text, seed, hash) => {
  expect(murmur3(text, seed)).toBe(hash);
});

it("a text is hashed the same whatever was hashed before it, also a long one", () => {
  const long = "é".repeat(5_000);
  const first = murmur3(long);
  murmur3("x".repeat(20_000));
  expect(murmur3(long)).toBe(first);
  expect(murmur3("abc")).toBe(0xb3dd93fa);
});

it("SHA-256 is in small hexadecimal digits, of the text's UTF-8", () => {
  expect(sha256("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(sha256("é")).toBe("4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c");
});
