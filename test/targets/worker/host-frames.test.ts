import { PassThrough, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frameReader, frameWriter } from "../../../shared/targets/worker/host-frames.ts";
import { nextTurn } from "../../support/port-calls.ts";

type Taken = { message: unknown; text: string };

/** A reader, and what it has taken and refused. */
function aReader() {
  const stream = new PassThrough();
  const taken: Taken[] = [];
  const refused: string[] = [];
  const read = frameReader({
    take: (message, text) => taken.push({ message, text: text.toString() }),
    refuse: (problem) => refused.push(problem),
  });
  stream.on("data", read);
  return { stream, taken, refused };
}

/**
 * Everything that a writer made of the messages, a turn of the event loop for each list of them.
 * @param lag turns until the socket has written a piece; without any it has at once
 */
async function written(turns: readonly Taken[][], lag = 0): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const socket = new Writable({
    async write(chunk: Buffer, _encoding, done) {
      for (let turn = 0; turn < lag; turn++) await nextTurn();
      pieces.push(Buffer.from(chunk));
      done();
    },
  });
  const write = frameWriter(socket);
  for (const messages of turns) {
    for (const { message, text } of messages) write([message], text === "" ? undefined : text);
    await nextTurn();
  }
  await finished(socket.end());
  return Buffer.concat(pieces);
}

/** A frame as a host that means harm may make it. */
function aFrame(json: string, text = "", sizes = [Buffer.byteLength(text), Buffer.byteLength(json)]): Buffer {
  const head = Buffer.alloc(8);
  sizes.forEach((size, index) => void head.writeUInt32LE(size, index * 4));
  return Buffer.concat([head, Buffer.from(text + json)]);
}

/** The bytes in pieces, which end at those places. */
function pieces(bytes: Buffer, ends: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...ends.map((end) => end % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const aMessage = fc.record({ message: fc.jsonValue(), text: fc.string({ unit: "binary", maxLength: 200 }) });
const turnsOfMessages = fc.array(fc.array(aMessage, { maxLength: 5 }), { maxLength: 5 });
const ends = fc.array(fc.nat(), { maxLength: 20 });

describe("frameReader", () => {
  it("takes what a frameWriter wrote, each message with its text, whatever pieces it comes in", async () => {
    await fc.assert(
      fc.asyncProperty(turnsOfMessages, ends, fc.nat({ max: 2 }), async (turns, cuts, lag) => {
        const { stream, taken, refused } = aReader();
        for (const piece of pieces(await written(turns, lag), cuts)) stream.write(piece);
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
        const bytes = Buffer.concat([aFrame(`x${Buffer.from(garbage).toString("latin1")}`), aFrame('[["after"]]')]);
        for (const piece of pieces(bytes, cuts)) stream.write(piece);
        await nextTurn();
        expect(taken).toEqual([]);
        expect(refused).toHaveLength(1);
      }),
    );
  });

  it.each([
    ["what has no sizes", Buffer.from("x".repeat(100))],
    ["messages that are too large", aFrame("", "", [0, 4_194_305])],
    ["texts that are too large", aFrame("", "", [16_777_217, 2])],
    ["messages that are no array", aFrame('{"done":1}')],
    ["a text of a size below zero", aFrame('[-1,["done"],2,["done"]]', "x")],
    ["a text of half a byte", aFrame('[0.5,["done"],0.5,["done"]]', "x")],
    ["less text than it says", aFrame('[2,["done"]]', "x")],
    ["more text than it says", aFrame('[["done"]]', "x")],
  ])("refuses %s", async (_, bytes) => {
    const { stream, taken, refused } = aReader();
    for (const piece of pieces(bytes, [1, 10])) stream.write(piece);
    await nextTurn();
    expect({ taken, refused: refused.length }).toEqual({ taken: [], refused: 1 });
  });
});

it("frameWriter writes messages of any length, with and without texts", async () => {
  const { stream, taken, refused } = aReader();
  const long = "é".repeat(100_000);
  const messages = [0, 1].map((n) => ({ message: long + n, text: "a text" }));
  stream.write(await written([[{ message: long, text: "" }], messages]));
  await nextTurn();
  expect(refused).toEqual([]);
  expect(taken.map(({ message }) => message)).toEqual([[long], [`${long}0`], [`${long}1`]]);
});

it("frameWriter writes so large texts in frames of their own that many of them are read", async () => {
  const { stream, taken, refused } = aReader();
  const messages = Array.from({ length: 40 }, (_, n) => ({ message: n, text: "x".repeat(1_000_000) }));
  stream.write(await written([messages]));
  await nextTurn();
  expect(refused).toEqual([]);
  expect(taken.map(({ message }) => message)).toEqual(messages.map(({ message }) => [message]));
});
