import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { putEventsReader, type ReaderOptions } from "../../scripts/embedded/put-events-reader.ts";
import { type PutEventsReading, readPutEvents } from "../../scripts/embedded/read-put-events.ts";
import { temporaryFolder } from "../support/tmp.ts";

const NOW = new Date("2026-11-20T10:00:00.123Z");

/** Its ids are `here`, and those of its thread are not. */
function aReader(options: Partial<ReaderOptions> = {}) {
  const errors: unknown[] = [];
  const reader = putEventsReader({
    newId: () => "here",
    onError: (error) => void errors.push(error),
    // Every request follows the one before it closely.
    clock: () => 0,
    ...options,
  });
  onTestFinished(reader.close);
  return { ...reader, errors };
}

const anOrder = (n: number) => ({ Source: "shop", DetailType: "order placed", Detail: JSON.stringify({ n }) });
const aBody = (...entries: object[]) => Buffer.from(JSON.stringify({ Entries: entries }));
const idsOf = ({ arrivals }: PutEventsReading) => arrivals.map(({ event }) => event.id);
const isHere = (read: PutEventsReading) => idsOf(read).includes("here");

/** Resolves once requests go to the thread. */
async function untilThreadReads({ read }: Pick<ReturnType<typeof aReader>, "read">): Promise<void> {
  while (isHere(await read(aBody(anOrder(0)), NOW))) await new Promise((resolve) => setImmediate(resolve));
}

/** All that is said, the thread's own ids and that of the answer aside. */
function said({ answer, arrivals, unknownBuses }: PutEventsReading) {
  const { headers: _, text, ...about } = answer;
  const plain = (value: string) => value.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "here");
  return {
    answer: { ...about, text: plain(text) },
    arrivals: arrivals.map(({ event, body, ...read }) => ({
      event: { ...event, id: plain(event.id) },
      body: plain(body),
      ...read,
      // What isn't there can't be told from null by anybody who reads it.
      metadata: read.metadata ?? null,
    })),
    unknownBuses,
  };
}

describe("a thread that reads requests of PutEvents", () => {
  it("reads them as they are read without it, whatever they say", async () => {
    const reader = aReader();
    await untilThreadReads(reader);
    const detail = fc.oneof(
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("metadata", "__proto__")), fc.jsonValue()).map((value) => {
        return JSON.stringify(value);
      }),
      fc.constantFrom(
        '{"__proto__":{"a":1}}',
        '{"metadata":{"__proto__":1,"customer":"ä😀"}}',
        '{"n":1e400}',
        "[]",
        "{",
      ),
    );
    const entry = fc.record(
      {
        Source: fc.constantFrom("shop", "", "aws.s3", "ünï"),
        DetailType: fc.constantFrom("order placed", ""),
        Detail: detail,
        Time: fc.constantFrom(0, "2026-11-20T10:00:00Z", "yesterday", null),
        Resources: fc.array(fc.string(), { maxLength: 2 }),
        EventBusName: fc.constantFrom("default", "no such bus", null),
      },
      { requiredKeys: ["Source", "DetailType", "Detail"] },
    );
    const body = fc.oneof(
      { weight: 5, arbitrary: fc.array(entry, { maxLength: 11 }).map((entries) => aBody(...entries)) },
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
    );
    await fc.assert(
      fc.asyncProperty(body, async (bytes) => {
        const before = Buffer.from(bytes);
        const read = await reader.read(bytes, NOW);
        expect(isHere(read)).toBe(false);
        expect(said(read)).toStrictEqual(said(readPutEvents(bytes, NOW, () => "here")));
        expect(bytes.equals(before)).toBe(true);
      }),
    );
    expect(reader.errors).toEqual([]);
  });

  it("reads those that come together each for itself, in their order", async () => {
    const reader = aReader();
    await untilThreadReads(reader);
    const order: number[] = [];
    const reads = Array.from({ length: 20 }, async (_, n) => {
      const { arrivals } = await reader.read(aBody(anOrder(n)), NOW);
      order.push(n);
      return arrivals.map(({ event }) => event.detail);
    });
    expect(await Promise.all(reads)).toEqual(Array.from({ length: 20 }, (_, n) => [{ n }]));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it("isn't asked about one that comes alone", async () => {
    let ms = 0;
    const reader = aReader({ clock: () => ms });
    ms += 1;
    await untilThreadReads(reader);
    ms += 2;
    expect(isHere(await reader.read(aBody(anOrder(1)), NOW))).toBe(true);
  });

  it("loses nothing where it ends, and is let be for ten seconds then", async () => {
    const file = join(temporaryFolder(), "ends.mjs");
    const lines = [
      'import { parentPort } from "node:worker_threads";',
      'parentPort.on("message", () => process.exit(3));',
      "parentPort.postMessage([]);",
    ];
    writeFileSync(file, lines.join("\n"));
    let ms = 0;
    const reader = aReader({ clock: () => ms, file: pathToFileURL(file) });
    // Until it has been asked and has ended, which nobody notices but by the clock.
    for (let n = 0; n < 50; n++) {
      expect(isHere(await reader.read(aBody(anOrder(n)), NOW))).toBe(true);
      await new Promise((resolve) => setImmediate(resolve));
    }
    ms += 10_000;
    const reads = Array.from({ length: 50 }, (_, n) => reader.read(aBody(anOrder(n)), NOW));
    expect((await Promise.all(reads)).every(isHere)).toBe(true);
  });

  it("isn't missed where it can't be started, and isn't tried again for ten seconds", async () => {
    let ms = 0;
    // Thrown where the thread is made, as it is where the machine has no thread left.
    const reader = aReader({ clock: () => ms, file: new URL("http://127.0.0.1/no-thread") });
    const readMany = () => Promise.all(Array.from({ length: 20 }, (_, n) => reader.read(aBody(anOrder(n)), NOW)));
    expect((await readMany()).every(isHere)).toBe(true);
    expect(reader.errors).toHaveLength(1);
    ms += 9_999;
    await readMany();
    expect(reader.errors).toHaveLength(1);
    ms += 1;
    expect((await readMany()).every(isHere)).toBe(true);
    expect(reader.errors).toHaveLength(2);
  });

  it("is ended with its reader, and all is read here then", async () => {
    const reader = aReader();
    await untilThreadReads(reader);
    const reads = Array.from({ length: 5 }, (_, n) => reader.read(aBody(anOrder(n)), NOW));
    await reader.close();
    const [first] = (await Promise.all(reads)).map(({ arrivals }) => arrivals.map(({ event }) => event.detail));
    expect(first).toEqual([{ n: 0 }]);
    expect(isHere(await reader.read(aBody(anOrder(9)), NOW))).toBe(true);
  });
});
