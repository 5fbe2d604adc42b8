import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frameWriter, readFrames } from "../../../shared/targets/worker/host-frames.ts";
import { nextTurn } from "../../support/port-calls.ts";

type Taken = { message: unknown; text: string };

/** A reader, and what it has taken and refused. */
function aReader() {
  const stream = new PassThrough();
  const taken: Taken[] = [];
  const refused: string[] = [];
  readFrames(stream, {
    take: (message, text) => taken.push({ message, text: text.toString() }),
    refuse: (problem) => refused.push(problem),
  });
  return { stream, taken, refused };
}

/** Everything that a writer made of the messages, a turn of the event loop for each list of them. */
async function written(turns: readonly Taken[][]): Promise<Buffer> {
  const stream = new PassThrough({ highWaterMark: 100_000_000 });
  const write = frameWriter(stream);
  for (const messages of turns) {
    for (const { message, text } of messages) write([message], text === "" ? undefined : text);
    await nextTurn();
  }
  stream.end();
  return Buffer.concat(await stream.toArray());
}

/** The bytes in pieces, which end at those places. */
function pieces(bytes: Buffer, ends: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...ends.map((end) => end % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const aMessage = fc.record({ message: fc.jsonValue(), text: fc.string({ unit: "binary", maxLength: 200 }) });
const turnsOfMessages = fc.array(fc.array(aMessage, { maxLength: 5 }), { maxLength: 5 });
const ends = fc.array(fc.nat(), { maxLength: 20 });

describe("readFrames", () => {
  it("takes what a frameWriter wrote, each message with its text, whatever pieces it comes in", async () => {
    await fc.assert(
      fc.asyncProperty(turnsOfMessages, ends, async (turns, cuts) => {
        const { stream, taken, refused } = aReader();
        for (const piece of pieces(await written(turns), cuts)) stream.write(piece);
        await nextTurn();
        const sent = turns.flat().map(({ message, text }) => ({ message: [message], text }));
        expect(taken).toEqual(JSON.parse(JSON.stringify(sent)));
        expect(refused).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it("refuses once what isn't a frame, throws nothing and takes nothing after it, whatever it is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), ends, async (garbage, cuts) => {
        const { stream, taken, refused } = aReader();
        const after = '\n[["after"]]\n';
        const bytes = Buffer.concat([Buffer.from("x"), garbage, Buffer.from(after)]);
        for (const piece of pieces(bytes, cuts)) stream.write(piece);
        await nextTurn();
        expect(taken).toEqual([]);
        expect(refused).toHaveLength(1);
      }),
    );
  });

  it.each([
    ["a line without an end", "x".repeat(5_000_000)],
    ["a line that is no array", '{"done":1}\n'],
    ["a text of a size below zero", '[-1,["done"]]\n'],
    ["a text of half a byte", '[0.5,["done"]]\n'],
    ["texts that are too large together", '[16000000,["done"],16000000,["done"]]\n'],
  ])("refuses %s", async (_, bytes) => {
    const { stream, taken, refused } = aReader();
    for (const piece of pieces(Buffer.from(bytes), [1, 10, 100_000])) stream.write(piece);
    await nextTurn();
    expect({ taken, refused: refused.length }).toEqual({ taken: [], refused: 1 });
  });
});

it("frameWriter writes so large texts in frames of their own that many of them are read", async () => {
  const { stream, taken, refused } = aReader();
  const messages = Array.from({ length: 40 }, (_, n) => ({ message: n, text: "x".repeat(1_000_000) }));
  stream.write(await written([messages]));
  await nextTurn();
  expect(refused).toEqual([]);
  expect(taken.map(({ message }) => message)).toEqual(messages.map(({ message }) => [message]));
});
