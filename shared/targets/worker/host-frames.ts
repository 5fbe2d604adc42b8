import type { Readable, Writable } from "node:stream";

/** With so much text waiting, the messages of one turn are written in more than one frame. */
const FRAME_TEXT_BYTES = 1_048_576;

/** The longest line that is taken. */
const MAX_LINE_BYTES = 4_194_304;

/** The most text that is taken after one line: room for an event of the largest size. */
const MAX_TEXT_BYTES = 16_777_216;

const NEWLINE = 10;

/**
 * Writes messages to the stream, those of one turn of the event loop together: a line of JSON, an array of them, and after
 * it the texts that go with some of them, as they are. Before such a message stands how many bytes its text has.
 */
export function frameWriter(stream: Writable): (message: readonly unknown[], text?: string) => void {
  let entries: unknown[] = [];
  let texts: string[] = [];
  let textBytes = 0;
  const write = () => {
    if (entries.length === 0) return;
    const frame = `${JSON.stringify(entries)}\n${texts.join("")}`;
    entries = [];
    texts = [];
    textBytes = 0;
    if (stream.writable) stream.write(frame);
  };
  return (message, text) => {
    if (entries.length === 0) setImmediate(write);
    if (text !== undefined) {
      const bytes = Buffer.byteLength(text);
      textBytes += bytes;
      texts.push(text);
      entries.push(bytes);
    }
    entries.push(message);
    if (textBytes > FRAME_TEXT_BYTES) write();
  };
}

export type FrameReading = {
  /** @param text is the stream's memory: whoever keeps it copies it */
  take: (message: unknown, text: Buffer) => void;
  /** The stream holds what no `frameWriter` wrote. Nothing that comes after it is read. */
  refuse: (problem: string) => void;
};

/** Reads what a `frameWriter` wrote, or somebody else in its place. */
export function readFrames(stream: Readable, { take, refuse }: FrameReading): void {
  const begun = begunBytes();
  /** What a line says whose texts aren't all there. */
  let line: Line | undefined;
  let refused = false;

  function refuseOnce(problem: string): void {
    refused = true;
    begun.takeWith(Buffer.alloc(0));
    refuse(problem);
  }

  /** Reads as many frames as are there. @returns what is left */
  function readWhole(data: Buffer): Buffer {
    let from = 0;
    while (!refused) {
      if (line === undefined) {
        const end = data.indexOf(NEWLINE, from);
        if (end < 0) break;
        const text = data.toString("utf8", from, end);
        from = end + 1;
        line = lineIn(text);
        if (line === undefined) refuseOnce(`not an array of messages: ${text.slice(0, 100)}`);
      } else {
        if (data.length - from < line.textBytes) break;
        const { entries, textBytes } = line;
        line = undefined;
        takeAll(entries, data.subarray(from, from + textBytes), take);
        from += textBytes;
      }
    }
    return data.subarray(from);
  }

  stream.on("data", (chunk: Buffer) => {
    if (refused) return;
    const isPart = line === undefined ? !chunk.includes(NEWLINE) : begun.bytes() + chunk.length < line.textBytes;
    begun.keep(isPart ? chunk : readWhole(begun.takeWith(chunk)));
    if (!refused && line === undefined && begun.bytes() > MAX_LINE_BYTES) {
      refuseOnce(`a line of more than ${MAX_LINE_BYTES} bytes`);
    }
  });
}

/** The messages, and before some of them the size of their text. */
type Line = { entries: unknown[]; textBytes: number };

function lineIn(text: string): Line | undefined {
  const entries = parsed(text);
  if (!Array.isArray(entries)) return undefined;
  let textBytes = 0;
  for (const entry of entries) {
    if (typeof entry !== "number") continue;
    if (!Number.isSafeInteger(entry) || entry < 0) return undefined;
    textBytes += entry;
  }
  return textBytes > MAX_TEXT_BYTES ? undefined : { entries, textBytes };
}

function takeAll(entries: readonly unknown[], texts: Buffer, take: FrameReading["take"]): void {
  let from = 0;
  let to = 0;
  for (const entry of entries) {
    if (typeof entry === "number") to += entry;
    else {
      take(entry, texts.subarray(from, to));
      from = to;
    }
  }
}

/** The beginning of a frame, in memory that doubles as it grows: whoever sends it byte by byte doesn't make it cost more. */
function begunBytes() {
  let memory = Buffer.alloc(0);
  let length = 0;

  function keep(more: Buffer): void {
    if (more.length === 0) return;
    if (length + more.length > memory.length) {
      const grown = Buffer.allocUnsafe(2 * (length + more.length));
      grown.set(memory.subarray(0, length));
      memory = grown;
    }
    memory.set(more, length);
    length += more.length;
  }

  return {
    bytes: () => length,
    keep,
    /** All that was kept, which is kept no more, and what comes after it. */
    takeWith(more: Buffer): Buffer {
      if (length === 0) return more;
      keep(more);
      const all = memory.subarray(0, length);
      length = 0;
      return all;
    },
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
