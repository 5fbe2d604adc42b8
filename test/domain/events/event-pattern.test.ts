import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileEventPattern, MAX_PATTERN_DEPTH } from "../../../shared/domain/events/event-pattern.ts";

type Case = [title: string, pattern: unknown, event: object, expected: boolean];

const pullRequest = {
  source: "code.host",
  "detail-type": "Pull Request Merged",
  resources: ["repo/site", "repo/docs"],
  detail: {
    repository: { name: "site", private: false, license: null, topic: "" },
    additions: 300,
    labels: ["bug", "urgent"],
    reviewers: [
      { name: "Ada", state: "approved" },
      { name: "Grace", state: "commented", bot: true },
    ],
    sender: { address: "10.0.0.33", path: "src\\*/index.ts" },
  },
};

const inDetail = (fields: object) => ({ detail: fields });
const onName = (...alternatives: unknown[]) => inDetail({ repository: { name: alternatives } });
const onAdditions = (...alternatives: unknown[]) => inDetail({ additions: alternatives });
const onAddress = (cidr: string) => inDetail({ sender: { address: [{ cidr }] } });

const exactCases: Case[] = [
  ["a value matches itself", { source: ["code.host"] }, pullRequest, true],
  ["case matters", { source: ["Code.Host"] }, pullRequest, false],
  ["one alternative is enough", { source: ["other", "code.host"] }, pullRequest, true],
  ["every field must match", { source: ["code.host"], "detail-type": ["Opened"] }, pullRequest, false],
  ["a nested field matches", onName("site"), pullRequest, true],
  ["numbers are compared by value", onAdditions(3.0e2), JSON.parse('{"detail":{"additions":300.0}}'), true],
  ["a number isn't its text", onAdditions("300"), pullRequest, false],
  ["false matches false", inDetail({ repository: { private: [false] } }), pullRequest, true],
  ["false isn't its text", inDetail({ repository: { private: ["false"] } }), pullRequest, false],
  ["null matches null", inDetail({ repository: { license: [null] } }), pullRequest, true],
  ["null isn't an empty text", inDetail({ repository: { license: [""] } }), pullRequest, false],
  ["null isn't a missing field", inDetail({ repository: { homepage: [null] } }), pullRequest, false],
  ["an empty text matches an empty text", inDetail({ repository: { topic: [""] } }), pullRequest, true],
  ["an object is no value", inDetail({ repository: ["site"] }), pullRequest, false],
  ["a value has no fields", inDetail({ additions: { count: [300] } }), pullRequest, false],
  ["an address is compared as text", { ip: ["::1"] }, { ip: "0:0:0:0:0:0:0:1" }, false],
  ["a dot belongs to the name", { "a.b": [1] }, { a: { b: 1 } }, false],
  ["a dotted name finds its field", { "a.b": [1] }, { "a.b": 1 }, true],
];

const textCases: Case[] = [
  ["prefix finds the beginning", onName({ prefix: "si" }), pullRequest, true],
  ["prefix looks at the beginning only", onName({ prefix: "te" }), pullRequest, false],
  ["an empty prefix begins every text", onName({ prefix: "" }), pullRequest, true],
  ["an empty prefix begins no number", onAdditions({ prefix: "" }), pullRequest, false],
  ["prefix ignores case when told to", onName({ prefix: { "equals-ignore-case": "SI" } }), pullRequest, true],
  ["suffix finds the end", onName({ suffix: "te" }), pullRequest, true],
  ["suffix looks at the end only", onName({ suffix: "si" }), pullRequest, false],
  ["suffix ignores case when told to", onName({ suffix: { "equals-ignore-case": "TE" } }), pullRequest, true],
  ["a suffix longer than the text", onName({ suffix: { "equals-ignore-case": "website" } }), pullRequest, false],
  ["equals-ignore-case ignores case", onName({ "equals-ignore-case": "SiTe" }), pullRequest, true],
  ["equals-ignore-case wants the whole text", onName({ "equals-ignore-case": "SIT" }), pullRequest, false],
  ["equals-ignore-case knows letters with accents", { a: [{ "equals-ignore-case": "ÉTÉ" }] }, { a: "été" }, true],
  ["a character that is its own lower case", { a: [{ "equals-ignore-case": "ß" }] }, { a: "ß" }, true],
  ["a character whose upper case is longer", { a: [{ "equals-ignore-case": "Maße" }] }, { a: "MASSE" }, true],
  ["half of a longer upper case", { a: [{ "equals-ignore-case": "ß" }] }, { a: "S" }, false],
  ["an upper case that is written in lower case", { a: [{ "equals-ignore-case": "ß" }] }, { a: "ss" }, false],
  ["a character whose lower case is longer", { a: [{ "equals-ignore-case": "İ" }] }, { a: "i\u0307" }, true],
  ["a prefix that is longer in upper case", { a: [{ prefix: { "equals-ignore-case": "ﬁx" } }] }, { a: "FIXED" }, true],
  ["a suffix that is longer in upper case", { a: [{ suffix: { "equals-ignore-case": "ß" } }] }, { a: "STRASS" }, true],
  ["a suffix after something longer", { a: [{ suffix: { "equals-ignore-case": "aß" } }] }, { a: "xASS" }, true],
  [
    "what is longer in upper case, for anything-but",
    { a: [{ "anything-but": { "equals-ignore-case": "ß" } }] },
    { a: "SS" },
    false,
  ],
  ["a character beyond the BMP", { a: [{ "equals-ignore-case": "𐐨" }] }, { a: "𐐨" }, true],
  ["another case beyond the BMP", { a: [{ "equals-ignore-case": "𐐨" }] }, { a: "𐐀" }, false],
  ["a character that is neither lower nor upper case", { a: [{ "equals-ignore-case": "ǅ" }] }, { a: "ǅ" }, true],
  ["wildcard stands for any characters", onName({ wildcard: "s*e" }), pullRequest, true],
  ["wildcard stands for no characters", onName({ wildcard: "s*i*t*e*" }), pullRequest, true],
  ["wildcard keeps the order", onName({ wildcard: "*t*i*" }), pullRequest, false],
  ["wildcard needs both ends side by side", { a: [{ wildcard: "ab*ba" }] }, { a: "aba" }, false],
  ["wildcard alone matches an empty text", { a: [{ wildcard: "*" }] }, { a: "" }, true],
  ["wildcard matches no number", onAdditions({ wildcard: "*" }), pullRequest, false],
  ["wildcard escapes", inDetail({ sender: { path: [{ wildcard: "src\\\\\\*/*.ts" }] } }), pullRequest, true],
  ["an escaped asterisk is only itself", onName({ wildcard: "s\\*e" }), pullRequest, false],
];

const anythingButCases: Case[] = [
  ["another value passes", onName({ "anything-but": "docs" }), pullRequest, true],
  ["the value itself doesn't", onName({ "anything-but": "site" }), pullRequest, false],
  ["nor does one of a list", onName({ "anything-but": ["docs", "site"] }), pullRequest, false],
  ["numbers are compared by value", onAdditions({ "anything-but": [100, 3e2] }), pullRequest, false],
  ["another type passes", onAdditions({ "anything-but": "300" }), pullRequest, true],
  ["null passes", inDetail({ repository: { license: [{ "anything-but": "MIT" }] } }), pullRequest, true],
  ["a missing field doesn't", inDetail({ repository: { homepage: [{ "anything-but": "x" }] } }), pullRequest, false],
  ["one other element is enough", inDetail({ labels: [{ "anything-but": "bug" }] }), pullRequest, true],
  ["every element excluded", inDetail({ labels: [{ "anything-but": ["bug", "urgent"] }] }), pullRequest, false],
  ["prefix", onName({ "anything-but": { prefix: "si" } }), pullRequest, false],
  ["a list of prefixes", onName({ "anything-but": { prefix: ["x", "y"] } }), pullRequest, true],
  ["an empty text, whatever its case", { a: [{ "anything-but": { "equals-ignore-case": "" } }] }, { a: "" }, false],
  ["a missing field has no other prefix", { a: [{ "anything-but": { prefix: "x" } }] }, {}, false],
  ["suffix", onName({ "anything-but": { suffix: ["x", "te"] } }), pullRequest, false],
  ["equals-ignore-case", onName({ "anything-but": { "equals-ignore-case": ["SITE"] } }), pullRequest, false],
  ["wildcard", onName({ "anything-but": { wildcard: "s*e" } }), pullRequest, false],
  ["a list of wildcards", onName({ "anything-but": { wildcard: ["x*", "*x"] } }), pullRequest, true],
  ["a number has no prefix", onAdditions({ "anything-but": { prefix: "3" } }), pullRequest, true],
];

const numericCases: Case[] = [
  ["= by value", onAdditions({ numeric: ["=", 3e2] }), pullRequest, true],
  ["< is exclusive", onAdditions({ numeric: ["<", 300] }), pullRequest, false],
  ["<= is inclusive", onAdditions({ numeric: ["<=", 300] }), pullRequest, true],
  ["> is exclusive", onAdditions({ numeric: [">", 300] }), pullRequest, false],
  [">= is inclusive", onAdditions({ numeric: [">=", 300] }), pullRequest, true],
  ["inside a range", onAdditions({ numeric: [">", 0, "<=", 300] }), pullRequest, true],
  ["outside a range", onAdditions({ numeric: [">", 0, "<", 300] }), pullRequest, false],
  ["text isn't a number", { a: [{ numeric: [">", 0] }] }, { a: "5" }, false],
  ["beyond five billion", { a: [{ numeric: [">", 1.7e12] }] }, { a: 1_700_000_000_001 }, true],
];

const existsCases: Case[] = [
  ["a value exists", onAdditions({ exists: true }), pullRequest, true],
  ["null exists", inDetail({ repository: { license: [{ exists: true }] } }), pullRequest, true],
  ["a missing field doesn't", inDetail({ deletions: [{ exists: true }] }), pullRequest, false],
  ["an object isn't a leaf", inDetail({ repository: [{ exists: true }] }), pullRequest, false],
  ["an object in a leaf's place counts as absent", inDetail({ repository: [{ exists: false }] }), pullRequest, true],
  ["a missing field is absent", inDetail({ deletions: [{ exists: false }] }), pullRequest, true],
  ["a field of a missing object is absent", { none: { at: { all: [{ exists: false }] } } }, pullRequest, true],
  ["a value isn't absent", onAdditions({ exists: false }), pullRequest, false],
  ["null isn't absent", inDetail({ repository: { license: [{ exists: false }] } }), pullRequest, false],
  ["an empty array has no value", { a: [{ exists: false }] }, { a: [] }, true],
  ["absent or a value: absent", { a: [{ exists: false }, "x"] }, {}, true],
  ["absent or a value: the value", { a: [{ exists: false }, "x"] }, { a: "x" }, true],
  ["absent or a value: another value", { a: [{ exists: false }, "x"] }, { a: "y" }, false],
];

const cidrCases: Case[] = [
  ["inside an IPv4 network", onAddress("10.0.0.0/24"), pullRequest, true],
  ["outside an IPv4 network", onAddress("10.0.1.0/24"), pullRequest, false],
  ["bits after the prefix are ignored", onAddress("10.0.0.99/24"), pullRequest, true],
  ["/0 is every IPv4 address", onAddress("0.0.0.0/0"), pullRequest, true],
  ["/0 is no IPv6 address", onAddress("::/0"), pullRequest, false],
  ["inside an IPv6 network", { ip: [{ cidr: "2001:db8::/32" }] }, { ip: "2001:DB8:1::7" }, true],
  ["outside an IPv6 network", { ip: [{ cidr: "2001:db8::/32" }] }, { ip: "2001:db9::7" }, false],
  ["IPv4 as a dual-stack socket writes it", { ip: [{ cidr: "10.0.0.0/8" }] }, { ip: "::ffff:10.1.2.3" }, true],
  ["an octet beyond 255", { ip: [{ cidr: "0.0.0.0/0" }] }, { ip: "10.0.0.256" }, false],
  ["a leading zero, which is decimal", { ip: [{ cidr: "0.0.0.0/0" }] }, { ip: "10.0.0.010" }, true],
  ["two gaps", { ip: [{ cidr: "::/0" }] }, { ip: "1::2::3" }, false],
  ["a gap of nothing", { ip: [{ cidr: "::/0" }] }, { ip: "1:2:3:4::5:6:7:8" }, false],
  ["IPv4 in the middle", { ip: [{ cidr: "::/0" }] }, { ip: "::1.2.3.4:5" }, false],
  ["IPv4 before the gap", { ip: [{ cidr: "::/0" }] }, { ip: "1.2.3.4::" }, false],
  ["too few groups", { ip: [{ cidr: "::/0" }] }, { ip: "1:2:3" }, false],
  ["text that is no address", onName({ cidr: "0.0.0.0/0" }), pullRequest, false],
  ["a number is no address", onAdditions({ cidr: "0.0.0.0/0" }), pullRequest, false],
];

const either = (...alternatives: unknown[]) => ({ $or: alternatives });
const orCases: Case[] = [
  ["the first alternative", either({ source: ["code.host"] }, { id: ["x"] }), pullRequest, true],
  ["the second alternative", either({ id: ["x"] }, { source: ["code.host"] }), pullRequest, true],
  ["neither alternative", either({ id: ["x"] }, { source: ["y"] }), pullRequest, false],
  [
    "fields beside it must match too",
    { id: ["x"], ...either({ source: ["code.host"] }, { a: [1] }) },
    pullRequest,
    false,
  ],
  ["inside a nested object", inDetail(either({ additions: [1] }, { labels: ["bug"] })), pullRequest, true],
  ["inside another", either({ a: [1] }, either({ b: [2] }, { source: ["code.host"] })), pullRequest, true],
  ["every field of an alternative", either({ source: ["code.host"], id: ["x"] }, { id: ["y"] }), pullRequest, false],
  ["by absence", either({ id: [{ exists: false }] }, { id: ["x"] }), pullRequest, true],
  ["a field beside and inside satisfies both", { a: [1], ...either({ a: [2] }, { b: [3] }) }, { a: 2 }, false],
];

const arrayCases: Case[] = [
  ["one element is enough", inDetail({ labels: ["urgent", "later"] }), pullRequest, true],
  ["no element in common", inDetail({ labels: ["later"] }), pullRequest, false],
  ["an array in an array", { a: [3] }, { a: [[1, [2, 3]], 4] }, true],
  ["an empty array holds nothing", { a: [1] }, { a: [] }, false],
  ["a field of one of the objects", inDetail({ reviewers: { name: ["Grace"] } }), pullRequest, true],
  ["two fields of one object", inDetail({ reviewers: { name: ["Ada"], state: ["approved"] } }), pullRequest, true],
  ["two fields of two objects", inDetail({ reviewers: { name: ["Ada"], state: ["commented"] } }), pullRequest, false],
  ["objects in arrays in arrays", { a: { b: [1], c: [2] } }, { a: [[{ b: 1 }], [[{ b: 1, c: 2 }]]] }, true],
  ["values among objects", { a: { b: [1] } }, { a: [1, "b", null, { b: 1 }] }, true],
  ["$or inside one object", { a: { b: [1], ...either({ c: [2] }, { d: [2] }) } }, { a: [{ b: 1 }, { d: 2 }] }, false],
  ["absence alone holds for every object", inDetail({ reviewers: { bot: [{ exists: false }] } }), pullRequest, false],
  ["absence alone, nowhere there", inDetail({ reviewers: { team: [{ exists: false }] } }), pullRequest, true],
  [
    "absence beside a field holds for the same object",
    inDetail({ reviewers: { state: ["approved"], bot: [{ exists: false }] } }),
    pullRequest,
    true,
  ],
  [
    "absence beside a field isn't another object's",
    inDetail({ reviewers: { state: ["commented"], bot: [{ exists: false }] } }),
    pullRequest,
    false,
  ],
];

const strange = JSON.parse('{"__proto__":["x"],"constructor":{"name":["y"]},"hasOwnProperty":[{"exists":true}]}');
const nameCases: Case[] = [
  ["inherited fields aren't found", { constructor: { name: ["Object"] } }, {}, false],
  ["inherited fields are absent", { toString: [{ exists: false }], constructor: [{ exists: false }] }, {}, true],
  [
    "fields of such names are found",
    strange,
    JSON.parse('{"__proto__":"x","constructor":{"name":"y"},"hasOwnProperty":1}'),
    true,
  ],
  [
    "fields of such names can differ",
    strange,
    JSON.parse('{"__proto__":"z","constructor":{"name":"y"},"hasOwnProperty":1}'),
    false,
  ],
  ["an array's length is no field", { a: { length: [1] } }, { a: ["x"] }, false],
];

describe.each([
  ["exact values", exactCases],
  ["text operators", textCases],
  ["anything-but", anythingButCases],
  ["numeric", numericCases],
  ["exists", existsCases],
  ["cidr", cidrCases],
  ["$or", orCases],
  ["arrays", arrayCases],
  ["names that objects inherit", nameCases],
])("%s", (_topic, cases) => {
  test.each(cases)("%s", (_title, pattern, event, expected) => {
    expect(matches(pattern, event)).toBe(expected);
  });
});

const deep = (levels: number): unknown => (levels === 0 ? ["x"] : { a: deep(levels - 1) });

const refusals: [pattern: unknown, problem: string][] = [
  ["text", "the pattern must be an object of fields, not text"],
  [[{}], "the pattern must be an object of fields, not an array"],
  [{}, 'the pattern is an empty object; name a field, such as "source": ["my.app"]'],
  [{ detail: {} }, 'detail is an empty object; name a field, such as "source": ["my.app"]'],
  [{ source: "my.app" }, "source must be an array of what may match, or an object of fields, not text"],
  [{ source: [] }, "source is an empty array; list the values that match"],
  [{ a: [["x"]] }, "a[0] is an array inside an array; list its values in the outer one"],
  [{ a: [JSON.parse("1e400")] }, "a[0] is a number too large to compare; match it as text"],
  [{ "b c": { d: [] } }, '["b c"].d is an empty array; list the values that match'],
  [
    { a: [{}] },
    "a[0] is an empty object; name one operator of prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists, cidr",
  ],
  [
    { a: ["x", { constructor: "x" }] },
    'a[1] has the unknown operator "constructor"; use one of prefix, suffix, equals-ignore-case, wildcard, anything-but, numeric, exists, cidr',
  ],
  [
    { a: [{ prefix: "x", suffix: "y" }] },
    "a[0] has more than one operator; write each in an object of its own, which makes them alternatives",
  ],
  [{ a: [{ prefix: 5 }] }, "a[0].prefix must be text, not a number"],
  [
    { a: [{ prefix: { suffix: "x" } }] },
    'a[0].prefix has the unknown operator "suffix"; use one of equals-ignore-case',
  ],
  [{ a: [{ suffix: { "equals-ignore-case": null } }] }, "a[0].suffix.equals-ignore-case must be text, not null"],
  [{ a: [{ wildcard: "x**y" }] }, "a[0].wildcard has two wildcards in a row; write one *, or \\* for an asterisk"],
  [
    { a: [{ wildcard: "x\\y" }] },
    "a[0].wildcard has a backslash that escapes neither * nor \\; write \\\\ for a backslash",
  ],
  [{ a: [{ "anything-but": [] }] }, "a[0].anything-but is an empty array; list the values that don't match"],
  [
    { a: [{ "anything-but": ["x", 1] }] },
    "a[0].anything-but must be text, a number, or a list of only texts or only numbers; null, true and false can't stand in it",
  ],
  ...[true, [true], null, [null]].map((value): [object, string] => [
    { a: [{ "anything-but": value }] },
    "a[0].anything-but must be text, a number, or a list of only texts or only numbers; null, true and false can't stand in it",
  ]),
  ...[
    [Infinity, ""],
    [[-Infinity, 1], "[0]"],
    [[1, Infinity], "[1]"],
  ].map(([value, at]): [object, string] => [
    { a: [{ "anything-but": value }] },
    `a[0].anything-but${at} is a number too large to compare; match it as text`,
  ]),
  [
    { a: [{ "anything-but": { prefix: "" } }] },
    "a[0].anything-but.prefix is empty, which every text begins and ends with; give it at least one character",
  ],
  [
    { a: [{ "anything-but": { suffix: [] } }] },
    "a[0].anything-but.suffix is an empty array; list the texts that don't match",
  ],
  [
    { a: [{ "anything-but": { prefix: ["x", ""] } }] },
    "a[0].anything-but.prefix[1] is empty, which every text begins and ends with; give it at least one character",
  ],
  [
    { a: [{ "anything-but": { wildcard: ["x", "**"] } }] },
    "a[0].anything-but.wildcard[1] has two wildcards in a row; write one *, or \\* for an asterisk",
  ],
  [
    { a: [{ "anything-but": { numeric: ["=", 1] } }] },
    'a[0].anything-but has the unknown operator "numeric"; use one of prefix, suffix, equals-ignore-case, wildcard',
  ],
  [{ a: [{ numeric: [">"] }] }, 'a[0].numeric must be an operator and a number, or a range such as [">", 0, "<=", 5]'],
  [{ a: [{ numeric: ["!=", 5] }] }, "a[0].numeric[0] must be one of =, <, <=, > and >="],
  [{ a: [{ numeric: ["=", "5"] }] }, "a[0].numeric[1] must be a finite number, not text"],
  [
    { a: [{ numeric: ["<", 5, ">", 0] }] },
    "a[0].numeric must name the lower end of a range first, with > or >=, then the upper end, with < or <=",
  ],
  ...[
    [">", 0, ">=", 5],
    ["<", 0, "<=", 5],
  ].map((range): [object, string] => [
    { a: [{ numeric: range }] },
    "a[0].numeric must name the lower end of a range first, with > or >=, then the upper end, with < or <=",
  ]),
  [
    { a: [{ numeric: [">=", 5, "<=", 5] }] },
    "a[0].numeric matches nothing or a single number; give it a lower end below its upper end, or use =",
  ],
  [{ a: [{ exists: "yes" }] }, "a[0].exists must be true or false, not text"],
  [{ a: [{ cidr: 10 }] }, 'a[0].cidr must be text such as "10.0.0.0/24", not a number'],
  [
    { a: [{ cidr: "10.0.0/24" }] },
    "a[0].cidr must be an address, a slash and a prefix length such as 10.0.0.0/24 or 2001:db8::/32",
  ],
  [
    { a: [{ cidr: "10.0.0.1/32" }] },
    "a[0].cidr must have an IPv4 prefix length of 0 to 31; write a single address as plain text",
  ],
  [
    { a: [{ cidr: "2001:db8::/128" }] },
    "a[0].cidr must have an IPv6 prefix length of 0 to 127; write a single address as plain text",
  ],
  [
    { $or: [{ a: [1] }] },
    "$or must be an array of at least two objects, any of which may match; a single one needs no $or",
  ],
  [{ d: { $or: [{ a: [1] }, 5] } }, "d.$or[1] must be an object of fields, not a number"],
  [{ d: { $or: [{ a: [1] }, {}] } }, 'd.$or[1] is an empty object; name a field, such as "source": ["my.app"]'],
  [
    { $or: [{ a: [1] }, { b: { prefix: ["x"] } }] },
    "$or[1].b.prefix is an operator's name, which can't be a field inside $or; put operators in a field's array",
  ],
];

test.each(refusals)("compiling refuses %j", (pattern, problem) => {
  expect(compileEventPattern(pattern)).toEqual({ ok: false, problem });
});

test("compiling refuses a pattern that is nested too deep, and takes the deepest allowed", () => {
  expect(compileEventPattern(deep(MAX_PATTERN_DEPTH))).toMatchObject({ ok: true });
  expect(compileEventPattern(deep(MAX_PATTERN_DEPTH + 1))).toMatchObject({
    ok: false,
    problem: expect.stringMatching(/^a(\.a)+ is nested deeper than 64 levels; match a field nearer to the top$/),
  });
});

test("compiling refuses $or that is nested too deep", () => {
  let pattern: unknown = { a: [1] };
  for (let level = 0; level < 10_000; level++) pattern = { $or: [pattern, { b: [1] }] };
  expect(compileEventPattern(pattern)).toMatchObject({ ok: false, problem: expect.stringContaining("nested deeper") });
});

test("a megabyte that is made to mislead a wildcard takes as long as any other", () => {
  const pattern = { a: [{ wildcard: `*${"a".repeat(2000)}b${"a".repeat(2000)}*${"a".repeat(100)}*c*` }] };
  expect(matches(pattern, { a: "a".repeat(1_000_000) })).toBe(false);
});

const scalar = () =>
  fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null));
// Few characters, so that texts often match each other.
const word = (characters = ["a", "A", "b", "*", "\\", "é"]) =>
  fc.string({ unit: fc.constantFrom(...characters), maxLength: 6 });

test("every event with a value matches the pattern that spells it out", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (event) => {
      fc.pre(!JSON.stringify(event).includes('"$or":'));
      const pattern = spelledOut(event);
      fc.pre(pattern !== undefined);
      expect(matches(pattern, event)).toBe(true);
    }),
  );
});

test("compiling never throws", () => {
  const operator = fc.constantFrom(
    "prefix",
    "anything-but",
    "numeric",
    "wildcard",
    "cidr",
    "exists",
    "$or",
    "=",
    "<",
    "a",
  );
  const { pattern } = fc.letrec((tie) => ({
    pattern: fc.oneof(
      { maxDepth: 8 },
      scalar(),
      fc.array(tie("pattern"), { maxLength: 4 }),
      fc.dictionary(operator, tie("pattern"), { maxKeys: 3 }),
    ),
  }));
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), pattern), fc.dictionary(fc.string(), fc.jsonValue()), (input, event) => {
      const compiled = compileEventPattern(input);
      if (compiled.ok) expect(compiled.matches(event)).toBeTypeOf("boolean");
      else expect(compiled.problem).toMatch(/\w/);
    }),
    { numRuns: 1000 },
  );
});

test("no character's longer case begins or ends with a form that it has alone", () => {
  for (let code = 0; code <= 0xffff; code++) {
    const unit = String.fromCharCode(code);
    const forms = [unit, unit.toLowerCase(), unit.toUpperCase()];
    for (const longer of forms.filter(({ length }) => length > 1)) {
      expect(forms.filter((form) => form.length === 1 && (longer.startsWith(form) || longer.endsWith(form)))).toEqual(
        [],
      );
      expect(new Set(forms.filter(({ length }) => length > 1))).toEqual(new Set([longer]));
    }
  }
});

test("anything-but is the opposite of the exact value", () => {
  const excluded = fc.oneof(word(), fc.integer({ min: -3, max: 3 }));
  fc.assert(
    fc.property(excluded, fc.oneof(excluded, scalar()), (other, value) => {
      expect(matches({ a: [{ "anything-but": other }] }, { a: value })).toBe(!matches({ a: [other] }, { a: value }));
    }),
  );
});

test("anything-but with an operator is the opposite of the operator", () => {
  const operator = fc.constantFrom("prefix", "suffix", "equals-ignore-case", "wildcard");
  const plain = fc.string({ unit: fc.constantFrom("a", "A", "b"), minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(operator, plain, word(), (name, operand, a) => {
      const filter = { [name]: operand };
      expect(matches({ a: [{ "anything-but": filter }] }, { a })).toBe(!matches({ a: [filter] }, { a }));
    }),
  );
});

test("prefix and suffix agree with strings", () => {
  fc.assert(
    fc.property(word(), word(), (operand, a) => {
      const [lower, small] = [operand.toLowerCase(), a.toLowerCase()];
      expect(matches({ a: [{ prefix: operand }] }, { a })).toBe(a.startsWith(operand));
      expect(matches({ a: [{ suffix: operand }] }, { a })).toBe(a.endsWith(operand));
      expect(matches({ a: [{ prefix: { "equals-ignore-case": operand } }] }, { a })).toBe(small.startsWith(lower));
      expect(matches({ a: [{ suffix: { "equals-ignore-case": operand } }] }, { a })).toBe(small.endsWith(lower));
      expect(matches({ a: [{ "equals-ignore-case": operand }] }, { a })).toBe(small === lower);
    }),
    { numRuns: 1000 },
  );
});

test("wildcard agrees with a matcher that tries everything", () => {
  const piece = fc.constantFrom("a", "b", "ab", "aab", "\\*", "\\\\", "");
  const wildcard = fc
    .array(piece, { minLength: 1, maxLength: 5 })
    .map((pieces) => pieces.join("*").replace(/(?<!\\)\*{2,}/g, "*"));
  fc.assert(
    fc.property(wildcard, fc.string({ unit: fc.constantFrom("a", "b", "*", "\\"), maxLength: 10 }), (pattern, a) => {
      const compiled = compileEventPattern({ a: [{ wildcard: pattern }] });
      fc.pre(compiled.ok);
      expect(compiled.ok && compiled.matches({ a })).toBe(triesEverything(pattern, a));
    }),
    { numRuns: 5000 },
  );
});

test("a wildcard finds a piece wherever it stands, also where its beginning repeats itself", () => {
  const letters = (maxLength: number) => fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength });
  // Beginnings of the piece, one after the other: what looks like it for a while.
  const misleading = fc.tuple(letters(9), fc.array(fc.nat(9), { maxLength: 5 }));
  fc.assert(
    fc.property(misleading, letters(4), ([piece, lengths], rest) => {
      const text = lengths.map((length) => piece.slice(0, length)).join("") + rest;
      expect(matches({ a: [{ wildcard: `*${piece}*` }] }, { a: text })).toBe(text.includes(piece));
    }),
    { numRuns: 3_000 },
  );
});

test("numeric agrees with comparison", () => {
  const number = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
  fc.assert(
    fc.property(number, number, number, (x, y, a) => {
      expect(matches({ a: [{ numeric: ["=", x] }] }, { a })).toBe(a === x);
      expect(matches({ a: [{ numeric: ["<", x] }] }, { a })).toBe(a < x);
      expect(matches({ a: [{ numeric: ["<=", x] }] }, { a })).toBe(a <= x);
      expect(matches({ a: [{ numeric: [">", x] }] }, { a })).toBe(a > x);
      expect(matches({ a: [{ numeric: [">=", x] }] }, { a })).toBe(a >= x);
      fc.pre(x < y);
      expect(matches({ a: [{ numeric: [">=", x, "<", y] }] }, { a })).toBe(a >= x && a < y);
    }),
  );
});

test("$or agrees with logical or, and fields beside each other with logical and", () => {
  const alternatives = fc.constantFrom<unknown[]>(
    [1],
    [2],
    [1, 2],
    [{ exists: true }],
    [{ exists: false }],
    [{ "anything-but": 1 }],
  );
  const fields = fc.record({ a: alternatives, b: alternatives }, { requiredKeys: ["a"] });
  const event = fc.record({ a: fc.constantFrom(1, 2), b: fc.constantFrom(1, 2, 3) }, { requiredKeys: [] });
  fc.assert(
    fc.property(fields, fields, alternatives, event, (one, other, c, event) => {
      expect(matches({ $or: [one, other] }, event)).toBe(matches(one, event) || matches(other, event));
      expect(matches({ c, $or: [one, other] }, event)).toBe(
        matches({ c }, event) && (matches(one, event) || matches(other, event)),
      );
    }),
  );
});

test("fields of one nested pattern match when one element matches them", () => {
  const element = fc.record({ b: fc.constantFrom(1, 2), c: fc.constantFrom(1, 2) }, { requiredKeys: [] });
  fc.assert(
    fc.property(fc.array(element), fc.constantFrom(1, 2), fc.constantFrom(1, 2), (a, b, c) => {
      expect(matches({ a: { b: [b], c: [c] } }, { a })).toBe(a.some((one) => one.b === b && one.c === c));
    }),
  );
});

test("cidr agrees with the address's leading bits", () => {
  const close = fc.tuple(fc.nat(0xffffffff), fc.nat(31), fc.nat(31)).map(([base, bits, flip]) => ({
    base,
    bits,
    address: (base ^ (1 << flip)) >>> 0,
  }));
  fc.assert(
    fc.property(close, ({ base, bits, address }) => {
      const inside = bits === 0 || base >>> (32 - bits) === address >>> (32 - bits);
      expect(matches({ a: [{ cidr: `${dotted(base)}/${bits}` }] }, { a: dotted(address) })).toBe(inside);
      const mapped = `2001:db8::${dotted(address)}`;
      expect(matches({ a: [{ cidr: `2001:db8::${dotted(base)}/${96 + bits}` }] }, { a: mapped })).toBe(inside);
    }),
  );
});

test("cidr reads every spelling of an IPv6 address", () => {
  fc.assert(
    fc.property(fc.ipV6(), fc.integer({ min: 1, max: 127 }), (address, bits) => {
      fc.pre(!/^::ffff:|^(0+:){5}ffff:/i.test(address));
      expect(matches({ a: [{ cidr: `${address}/${bits}` }] }, { a: address.toUpperCase() })).toBe(true);
    }),
  );
});

function matches(pattern: unknown, event: object): boolean {
  const compiled = compileEventPattern(pattern);
  if (!compiled.ok) throw new Error(compiled.problem);
  return compiled.matches(event);
}

/** The pattern that asks for every value of the event; of an array, for what its first element asks for. */
function spelledOut(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(spelledOut).find((pattern) => pattern !== undefined);
  if (typeof value !== "object" || value === null) return [value];
  const fields = Object.entries(value)
    .map(([name, inner]) => [name, spelledOut(inner)] as const)
    .filter(([, pattern]) => pattern !== undefined);
  return fields.length === 0 ? undefined : Object.fromEntries(fields);
}

function triesEverything(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern[0] === "*") {
    const rest = pattern.slice(1);
    return triesEverything(rest, text) || (text !== "" && triesEverything(pattern, text.slice(1)));
  }
  const escaped = pattern[0] === "\\" ? 1 : 0;
  return pattern[escaped] === text[0] && triesEverything(pattern.slice(escaped + 1), text.slice(1));
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}
