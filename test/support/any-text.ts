import fc from "fast-check";

/** Text that a JSON document may hold, and nobody expects: half surrogates, control characters, names that objects inherit. */
const strangeTexts = [
  "__proto__",
  "constructor",
  "toString",
  "\ud800",
  "\udfff\ud800",
  "a\ud800b",
  "\u0000",
  "\u2028",
  "",
];

/** Text of any kind. */
export const anyText = fc.oneof(fc.string({ unit: "binary", maxLength: 12 }), fc.constantFrom(...strangeTexts));

/** Text as it comes out of bytes: whole characters. */
export const wellFormedText = anyText.map((text) => text.toWellFormed());

/** Numbers at the edges of what a store holds, as JSON writes them: it has one zero. */
export const storedNumbers = [0, 5e-324, 1.7e308, 2 ** 53 + 2, -1e21, 0.1 + 0.2];

export const edgyNumbers = [-0, ...storedNumbers];
