/** What is sent over one connection, and what has to become of it. */
export type FuzzedInput = {
  kind: string;
  bytes: Buffer;
  /** Sent in so many pieces. */
  pieces: number;
  /** Hangs up before it has read an answer. */
  hangsUp: boolean;
  /** Marks of the events that must be taken, each once; undefined: whether it is taken is the answer's to say. */
  marks: string[];
  /** May these events be taken at all? */
  mayTake: boolean;
};

type Draw = () => number;

const below = (random: Draw, n: number) => Math.floor(random() * n);
const pick = <T>(random: Draw, all: readonly T[]): T => all[below(random, all.length)] as T;

/** Texts that have broken parsers: controls, half surrogates, keys of prototypes, numbers beyond all, long and deep ones. */
const TEXTS = [
  "",
  " ",
  "\u0000",
  "\ud800",
  "\u001b[2J",
  "__proto__",
  "constructor",
  "1e999",
  "\u202e",
  "é".repeat(500),
  "x".repeat(5_000),
  "\r\nHost: evil",
  "null",
  "{}",
  "💥",
];

function anyText(random: Draw): string {
  return pick(random, TEXTS);
}

function anyValue(random: Draw, depth = 0): unknown {
  const kind = below(random, depth > 3 ? 5 : 7);
  if (kind === 0) return anyText(random);
  if (kind === 1) return pick(random, [0, -1, 1e308, 1.5, Number.MAX_SAFE_INTEGER]);
  if (kind === 2) return random() < 0.5;
  if (kind === 3) return null;
  if (kind === 4) return below(random, 1_000);
  const values = Array.from({ length: below(random, 4) }, () => anyValue(random, depth + 1));
  return kind === 5 ? values : Object.fromEntries(values.map((value, n) => [`${anyText(random)}${n}`, value]));
}

/** A detail that carries its mark, so that the event is known again wherever it turns up. */
function anyDetail(random: Draw, mark: string): Record<string, unknown> {
  const metadata = random() < 0.5 ? { idempotencyKey: mark, customer: pick(random, ["acme", "globex"]) } : undefined;
  return { fuzz: mark, value: anyValue(random), ...(metadata && { metadata }) };
}

function request(
  headers: Record<string, string>,
  body: Buffer | string,
  about: { path?: string; method?: string } = {},
): Buffer {
  const head = Object.entries({
    Host: "127.0.0.1",
    Connection: "close",
    "Content-Length": String(Buffer.byteLength(body)),
    ...headers,
  });
  const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([
    Buffer.from(`${about.method ?? "POST"} ${about.path ?? "/"} HTTP/1.1\r\n${lines}\r\n`),
    Buffer.from(body),
  ]);
}

const PUT = { "X-Amz-Target": "AWSEvents.PutEvents", "Content-Type": "application/x-amz-json-1.1" };
const CLOUD = { "Content-Type": "application/cloudevents+json" };

function put(entries: unknown, headers: Record<string, string> = PUT): Buffer {
  return request(headers, JSON.stringify({ Entries: entries }));
}

/** Entries that the bus has to take, but for those at the places named. */
function goodEntry(random: Draw, mark: string) {
  return { Source: "fuzz", DetailType: pick(random, ["one", "two"]), Detail: JSON.stringify(anyDetail(random, mark)) };
}

function badEntry(random: Draw, mark: string): object {
  const good = goodEntry(random, mark);
  const spoil: Record<string, unknown>[] = [
    { Source: "" },
    { Source: "aws.fuzz" },
    { Source: "x".repeat(257) },
    { DetailType: "x".repeat(129) },
    { DetailType: null },
    { Detail: "" },
    { Detail: `[${good.Detail}]` },
    { Detail: good.Detail.slice(0, -1) },
    { Detail: `${good.Detail}x` },
    { EventBusName: "another" },
    { Time: "yesterday" },
  ];
  return { ...good, ...pick(random, spoil) };
}

function cloudEvent(random: Draw, mark: string): object {
  return { specversion: "1.0", id: mark, source: "fuzz", type: "three", data: anyDetail(random, mark) };
}

function badCloudEvent(random: Draw, mark: string): unknown {
  const spoil = pick<Record<string, unknown>>(random, [
    { specversion: "2" },
    { id: "" },
    { type: 7 },
    { source: null },
    { extension: { a: 1 } },
    { time: "2026-02-30T00:00:00Z" },
    { data: {}, data_base64: "!" },
  ]);
  return random() < 0.1 ? anyText(random) : { ...cloudEvent(random, mark), ...spoil };
}

function batch(events: readonly unknown[]): Buffer {
  return request({ "Content-Type": "application/cloudevents-batch+json" }, JSON.stringify(events));
}

/** `odd` stands in an attribute that nothing is made of. */
function binaryHeaders(mark: string, odd: string): Record<string, string> {
  return { "ce-specversion": "1.0", "ce-id": mark, "ce-source": "fuzz", "ce-type": "three", "ce-odd": odd };
}

type Made = Omit<FuzzedInput, "kind" | "pieces" | "hangsUp">;

const kinds: Record<string, (random: Draw, mark: (n: number) => string) => Made> = {
  "good entries": (random, mark) => {
    const marks = Array.from({ length: 1 + below(random, 10) }, (_, n) => mark(n));
    return { bytes: put(marks.map((each) => goodEntry(random, each))), marks, mayTake: true };
  },
  "good and bad entries": (random, mark) => {
    const all = Array.from({ length: 2 + below(random, 9) }, (_, n) => ({ mark: mark(n), good: random() < 0.5 }));
    const entries = all.map((each) => (each.good ? goodEntry : badEntry)(random, each.mark));
    return { bytes: put(entries), marks: all.filter(({ good }) => good).map((each) => each.mark), mayTake: true };
  },
  "too many entries": (random, mark) => {
    const entries = Array.from({ length: 11 + below(random, 5) }, (_, n) => goodEntry(random, mark(n)));
    return { bytes: put(entries), marks: [], mayTake: false };
  },
  "too large": (random, mark) => {
    const entry = {
      ...goodEntry(random, mark(0)),
      Detail: JSON.stringify({ fuzz: mark(0), text: "x".repeat(1_048_576) }),
    };
    return { bytes: put([entry]), marks: [], mayTake: false };
  },
  "a cloud event": (random, mark) => ({
    bytes: request(CLOUD, JSON.stringify(cloudEvent(random, mark(0)))),
    marks: [mark(0)],
    mayTake: true,
  }),
  "a bad cloud event": (random, mark) => ({
    bytes: request(CLOUD, JSON.stringify(badCloudEvent(random, mark(0)))),
    marks: [],
    mayTake: false,
  }),
  "a cloud event in binary mode": (random, mark) => {
    const headers = binaryHeaders(mark(0), pick(random, ["%", "e%E2%82%AC", '"a b"', "x".repeat(2_000)]));
    const body = JSON.stringify(anyDetail(random, mark(0)));
    const [type, data] = pick(random, [
      ["application/json", body],
      ["text/plain", body],
      ["image/png", body],
    ]);
    return { bytes: request({ ...headers, "Content-Type": type ?? "" }, data ?? ""), marks: [mark(0)], mayTake: true };
  },
  "a batch of cloud events": (random, mark) => {
    const marks = Array.from({ length: below(random, 30) }, (_, n) => mark(n));
    return { bytes: batch(marks.map((each) => cloudEvent(random, each))), marks, mayTake: true };
  },
  "a batch with a bad cloud event": (random, mark) => {
    const events: unknown[] = Array.from({ length: below(random, 10) }, (_, n) => cloudEvent(random, mark(n)));
    events.splice(below(random, events.length + 1), 0, badCloudEvent(random, mark(99)));
    return { bytes: batch(events), marks: [], mayTake: false };
  },
  "a body that is no text": (random, mark) => {
    const body = Buffer.concat([
      Buffer.from(JSON.stringify({ Entries: [goodEntry(random, mark(0))] })),
      Buffer.from([0xff, 0xc0, 0x80]),
    ]);
    return { bytes: request(PUT, body), marks: [], mayTake: false };
  },
  "a torn body": (random, mark) => {
    const whole = put([goodEntry(random, mark(0))]);
    return { bytes: whole.subarray(0, whole.length - 1 - below(random, 40)), marks: [], mayTake: false };
  },
  "another web page's": (random, mark) => {
    const headers = pick<Record<string, string>>(random, [
      { Origin: "https://evil.example" },
      { "Sec-Fetch-Site": "cross-site" },
      { Host: "evil.example" },
    ]);
    return { bytes: put([goodEntry(random, mark(0))], { ...PUT, ...headers }), marks: [], mayTake: false };
  },
  "odd headers": (random, mark) => {
    const headers = pick<Record<string, string>>(random, [
      { "Content-Encoding": "gzip" },
      { "Content-Type": "text/plain" },
      { "X-Amz-Target": "AWSEvents.DeleteRule" },
      { "Content-Length": "-1" },
      { "Content-Length": "1e3" },
      { "Transfer-Encoding": "chunked, identity" },
      { Expect: "the unexpected", "Content-Type": "text/plain" },
    ]);
    return { bytes: put([goodEntry(random, mark(0))], { ...PUT, ...headers }), marks: [], mayTake: false };
  },
  "another route": (random, mark) => {
    const body = JSON.stringify({ Entries: [goodEntry(random, mark(0))] });
    const [method, path] = pick(random, [
      ["PUT", "/"],
      ["POST", "/healthz"],
      ["POST", "/../"],
      ["DELETE", "/events"],
      ["OPTIONS", "*"],
      ["POST", "/%00"],
    ]);
    return { bytes: request(PUT, body, { method: method ?? "", path: path ?? "" }), marks: [], mayTake: false };
  },
  "any JSON": (random) => ({ bytes: request(PUT, JSON.stringify(anyValue(random)) ?? ""), marks: [], mayTake: false }),
  "deep JSON": (random) => {
    const depth = 10 ** (1 + below(random, 5));
    return { bytes: request(PUT, `{"Entries":${"[".repeat(depth)}`), marks: [], mayTake: false };
  },
  garbage: (random) => {
    const bytes = Buffer.from(Array.from({ length: 1 + below(random, 400) }, () => below(random, 256)));
    return { bytes, marks: [], mayTake: false };
  },
};

const names = Object.keys(kinds);
/** Half of the inputs are events as a publisher sends them. */
const USUAL = ["good entries", "good and bad entries", "a cloud event", "a cloud event in binary mode"];

export function fuzzedInput(random: Draw, n: number, seed: number): FuzzedInput {
  const kind = random() < 0.4 ? pick(random, USUAL) : pick(random, names);
  const made = kinds[kind]?.(random, (index) => `fuzz-${seed}-${n}-${index}`);
  if (made === undefined) throw new RangeError(kind);
  const hangsUp = random() < 0.03;
  return { kind, ...made, pieces: random() < 0.1 ? 2 + below(random, 5) : 1, hangsUp };
}
