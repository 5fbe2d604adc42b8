import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { compileEventPattern } from "../../shared/domain/events/event-pattern.ts";

/** The texts of a pattern and an event: what JavaScript holds of a number isn't what AWS reads. */
type Pair = [pattern: string, event: string];

/** What AWS's own matcher says to each pair: `true`, `false`, or `refused: …`. */
function theirs(pairs: readonly Pair[]): string[] {
  const input = pairs.map((pair) => `${JSON.stringify(pair)}\n`).join("");
  const command = ["-cp", inject("rulerClasspath"), "RulerMatch"];
  return execFileSync("java", command, { input, encoding: "utf8", maxBuffer: 2 ** 28 })
    .trimEnd()
    .split("\n");
}

function ours([pattern, event]: Pair): string {
  const compiled = compileEventPattern(JSON.parse(pattern));
  return compiled.ok ? String(compiled.matches(JSON.parse(event))) : `refused: ${compiled.problem}`;
}

const verdict = (answer: string) => answer.replace(/^refused: .*/s, "refused");

/** A field `a` with one alternative, and its value; each as JSON text. */
const on = (alternative: string, value: string): Pair => [`{"a":[${alternative}]}`, `{"a":${value}}`];
const cidr = (network: string, value: string) => on(`{"cidr":"${network}"}`, value);
const anyCase = (text: string, value: string) => on(`{"equals-ignore-case":"${text}"}`, `"${value}"`);

/** Each class that the docstring of `compileEventPattern` names, with what we say and what event-ruler says. */
const differences: [what: string, pair: Pair, ours: string, theirs: string][] = [
  ["a dot in a name", ['{"a.b":["x"]}', '{"a":{"b":"x"}}'], "false", "true"],
  ["a name in and beside $or", ['{"a":[2],"$or":[{"a":[1]},{"b":[1]}]}', '{"a":1}'], "false", "true"],
  [
    "the same element for both",
    ['{"o":{"x":[1]},"$or":[{"o":{"y":[1]}},{"b":[1]}]}', '{"o":[{"x":1},{"y":1}]}'],
    "true",
    "false",
  ],
  ["integers beyond 2^53", on("9007199254740993", "9007199254740992"), "true", "false"],
  ["more digits than a double has", on('{"numeric":[">",0]}', "1.00000000000000000001"), "true", "false"],
  ["a number beyond 1.8e308", on('{"numeric":[">",0]}', "1e309"), "true", "false"],
  ["such a number in a pattern", on("1e309", "1e309"), "refused", "true"],
  ["a number nearer to 0 than 5e-324", on('{"numeric":["<",1]}', "1e-400"), "true", "false"],
  ["such a number and 0", on("0", "1e-400"), "true", "false"],
  [
    "an absent name that is the first",
    ['{"a":{"b":[{"exists":false}],"c":[1]}}', '{"a":[{"b":1},{"c":1}]}'],
    "true",
    "false",
  ],
  ["IPv6 as text", on('"::1"', '"0:0:0:0:0:0:0:1"'), "false", "true"],
  ["IPv4 as text", on('"10.0.0.1"', '"10.0.0.01"'), "false", "true"],
  ["a number in /0", cidr("0.0.0.0/0", "10"), "false", "true"],
  ["the other family in /0", cidr("0.0.0.0/0", '"::1"'), "false", "true"],
  ["IPv4 in a short IPv6 prefix", cidr("::/1", '"10.0.0.1"'), "false", "true"],
  ["an IPv4 tail", cidr("64:ff9b::/96", '"64:ff9b::10.0.0.1"'), "true", "false"],
  ["an IPv4 address with an IPv4 tail", cidr("10.0.0.0/8", '"::ffff:10.0.0.1"'), "true", "false"],
  ["a network with an IPv4 tail", cidr("::ffff:10.0.0.0/24", '"10.0.0.1"'), "true", "refused"],
  ["a plus sign in a prefix length", cidr("10.0.0.0/+8", '"10.0.0.1"'), "refused", "true"],
  ["a character beyond the BMP", anyCase("𐐨", "𐐨"), "true", "false"],
  ["a character in title case", anyCase("ǅ", "ǅ"), "true", "false"],
  ["half a surrogate pair", on('{"prefix":"\\ud800"}', '"?"'), "false", "true"],
  ["an empty name below the top", ['{"a":{"":["x"]}}', '{"a":{"":"x"}}'], "true", "false"],
  ["the operator exactly", on('{"exactly":"x"}', '"x"'), "refused", "true"],
];

const agreements: [what: string, pair: Pair, both: string][] = [
  ["leading zeros", cidr("10.0.0.0/8", '"010.000.0.0001"'), "true"],
  ["IPv4 as hexadecimal IPv6", cidr("10.0.0.0/8", '"::ffff:a00:1"'), "true"],
  ["a network of one address", cidr("10.0.0.1/32", '"10.0.0.1"'), "refused"],
  ["an upper case that is longer", anyCase("Maße", "MASSE"), "true"],
  ["a lower case that is longer", anyCase("İ", "i\u0307"), "true"],
  ["a longer prefix", on('{"prefix":{"equals-ignore-case":"ﬁx"}}', '"FIXED"'), "true"],
  ["a longer suffix", on('{"suffix":{"equals-ignore-case":"aß"}}', '"xASS"'), "true"],
  ["an empty name at the top", ['{"":["x"]}', '{"":"x"}'], "true"],
  ["a tiny number", on('{"numeric":[">",0]}', "1e-300"), "true"],
];

describe("event patterns and event-ruler 2.1.0", () => {
  // Java takes half a second to start: all are asked at once, and told one by one.
  let told: string[] = [];
  beforeAll(() => {
    told = theirs([...differences, ...agreements].map(([, pair]) => pair)).map(verdict);
  });

  test.each(differences.map((one, index) => [...one, index] as const))(
    "differ in %s",
    (_what, pair, own, other, at) => {
      expect([verdict(ours(pair)), told[at]]).toEqual([own, other]);
    },
  );

  test.each(agreements.map((one, index) => [...one, index] as const))("agree on %s", (_what, pair, both, at) => {
    expect([verdict(ours(pair)), told[differences.length + at]]).toEqual([both, both]);
  });

  test("agree on 20,000 generated pairs of none of these classes", () => {
    const pairs = fc.sample(anyPair, { numRuns: 20_000, seed: 14 });
    const answers = theirs(pairs);
    const found = pairs.map((pair, index) => ({
      pair,
      ours: verdict(ours(pair)),
      theirs: verdict(answers[index] ?? ""),
    }));
    expect(found.filter((one) => one.ours !== one.theirs)).toEqual([]);
    const count = (answer: string) => found.filter((one) => one.ours === answer).length;
    expect([count("true") > 2_000, count("false") > 2_000, count("refused") > 500]).toEqual([true, true, true]);
  });
});

const text = fc.constantFrom(
  "",
  "a",
  "ab",
  "aB",
  "AB",
  "abc",
  "ß",
  "SS",
  "é",
  "É",
  "x*y",
  "1",
  "10.0.0.7",
  "10.9.0.1",
  "2001:db8::1",
);
const number = fc.constantFrom("0", "-0", "1", "1.0", "1e0", "1.5", "-3", "300", "3.0e2", "5e9", "1e20", "0.1", "1e-7");
const quoted = text.map((one) => JSON.stringify(one));
const scalar = fc.oneof(quoted, number, fc.constantFrom("true", "false", "null"));
const list = (one: fc.Arbitrary<string>, minLength = 0) =>
  fc.array(one, { minLength, maxLength: 3 }).map((all) => `[${all.join(",")}]`);
const wildcard = fc.constantFrom('"*"', '"a*"', '"*b"', '"a*c"', '"*b*"', '"x\\\\*y"', '"**"', '"a\\\\b"', '"A*"');
const comparison = fc
  .tuple(fc.constantFrom("=", "<", "<=", ">", ">="), number)
  .map(([how, limit]) => `"${how}",${limit}`);

const filter = fc
  .oneof(
    quoted.map((one) => `"prefix":${one}`),
    quoted.map((one) => `"suffix":${one}`),
    quoted.map((one) => `"equals-ignore-case":${one}`),
    fc.tuple(fc.constantFrom("prefix", "suffix"), quoted).map(([how, one]) => `"${how}":{"equals-ignore-case":${one}}`),
    wildcard.map((one) => `"wildcard":${one}`),
    fc.constantFrom('"exists":true', '"exists":false'),
    fc.oneof(quoted, number, list(quoted), list(number)).map((one) => `"anything-but":${one}`),
    fc
      .tuple(fc.constantFrom("prefix", "suffix", "equals-ignore-case"), fc.oneof(quoted, list(quoted, 1)))
      .map(([how, one]) => `"anything-but":{"${how}":${one}}`),
    wildcard.map((one) => `"anything-but":{"wildcard":${one}}`),
    fc.array(comparison, { minLength: 1, maxLength: 2 }).map((all) => `"numeric":[${all.join(",")}]`),
    fc
      .constantFrom("10.0.0.0/8", "10.0.0.0/24", "10.0.0.0/31", "2001:db8::/32", "10.0.0.0", "10.0.0.0/33")
      .map((network) => `"cidr":"${network}"`),
  )
  .map((one) => `{${one}}`);

const leaf = list(fc.oneof(scalar, filter, filter), 1);
/** Fields in any order would meet the class of absent names that come first, so each is asked alone or beside another. */
const anyPattern = fc.oneof(
  leaf.map((a) => `{"a":${a}}`),
  fc.tuple(leaf, leaf).map(([a, b]) => `{"a":${a},"b":${b}}`),
  fc.tuple(leaf, leaf).map(([a, b]) => `{"$or":[{"a":${a}},{"b":${b}}]}`),
  leaf.map((c) => `{"o":{"c":${c}}}`),
);
const value = fc.oneof({ weight: 4, arbitrary: scalar }, list(scalar), fc.constantFrom("{}", '{"c":1}', "[[1]]"));
const anyEvent = fc
  .record(
    {
      a: value,
      b: value,
      o: fc.oneof(
        value,
        value.map((c) => `{"c":${c}}`),
        list(value.map((c) => `{"c":${c}}`)),
      ),
    },
    { requiredKeys: [] },
  )
  .map(
    (fields) =>
      `{${Object.entries(fields)
        .map(([name, one]) => `"${name}":${one}`)
        .join(",")}}`,
  );
const anyPair: fc.Arbitrary<Pair> = fc.tuple(anyPattern, anyEvent);
