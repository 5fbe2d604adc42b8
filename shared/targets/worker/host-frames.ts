import type { Writable } from "node:stream";

/** Before each frame: how many bytes its texts have, and how many the JSON of its messages, which comes after them. */
const HEAD_BYTES = 8;

const MAX_JSON_BYTES = 4_194_304;

/** Room for an event of the largest size, and all that came before it. */
const MAX_TEXT_BYTES = 16_777_216;

/** With so much text waiting, the messages of one turn are written in more than one frame. */
const FRAME_TEXT_BYTES = 1_048_576;

/** Memory for a frame that is kept for the next one. */
const LEAST_MEMORY_BYTES = 65_536;
const MOST_MEMORY_BYTES = 4_194_304;

/** Most bytes of a UTF-16 code unit in UTF-8. */
const MAX_UNIT_BYTES = 3;

/**
 * Writes messages to the socket, those of one turn of the event loop together, with the texts that go with some of them:
 * the texts as they are, one after the other, and a JSON array of the messages. In it, the number of its text's bytes
 * stands before a message that has one.
 */
export function frameWriter(socket: Writable): (message: readonly unknown[], text?: string) => void {
  let entries: unknown[] = [];
  let memory = Buffer.allocUnsafeSlow(LEAST_MEMORY_BYTES);
  let end = HEAD_BYTES;

  function append(text: string): number {
    const needed = end + text.length * MAX_UNIT_BYTES;
    if (needed > memory.length) {
      const larger = Buffer.allocUnsafeSlow(2 * needed);
      larger.set(memory.subarray(0, end));
      memory = larger;
    }
    const bytes = memory.write(text, end);
    end += bytes;
    return bytes;
  }

  function write(): void {
    if (entries.length === 0) return;
    const textBytes = end - HEAD_BYTES;
    const jsonBytes = append(JSON.stringify(entries));
    memory.writeUInt32LE(textBytes, 0);
    memory.writeUInt32LE(jsonBytes, 4);
    if (socket.writable) socket.write(memory.subarray(0, end));
    // A socket that still has something to write still has the memory.
    const isUsable = socket.writableLength === 0 && memory.length <= MOST_MEMORY_BYTES;
    if (!isUsable) memory = Buffer.allocUnsafeSlow(LEAST_MEMORY_BYTES);
    entries = [];
    end = HEAD_BYTES;
  }

  return (message, text) => {
    if (entries.length === 0) setImmediate(write);
    if (text !== undefined) entries.push(append(text));
    entries.push(message);
    if (end > FRAME_TEXT_BYTES) write();
  };
}

export type FrameReading = {
  /** @param text is memory of the reader or of the piece: whoever keeps it copies it */
  take: (message: unknown, text: Buffer) => void;
  /** What has come was written by no `frameWriter`. Nothing that comes after it is read. */
  refuse: (problem: string) => void;
};

/**
 * Reads what a `frameWriter` wrote, or somebody else in its place.
 * @returns takes the next piece of it
 */
export function frameReader({ take, refuse }: FrameReading): (piece: Buffer) => void {
  const begun = begunBytes();
  /** Of the frame that has begun, as far as is known. */
  let frameBytes = HEAD_BYTES;
  let refused = false;

  function refuseAll(problem: string): Buffer {
    refused = true;
    refuse(problem);
    return Buffer.alloc(0);
  }

  /** Reads as many frames as are there. @returns what is left */
  function readWhole(data: Buffer): Buffer {
    let from = 0;
    for (frameBytes = HEAD_BYTES; data.length - from >= frameBytes; ) {
      const textEnd = from + HEAD_BYTES + data.readUInt32LE(from);
      const frameEnd = textEnd + data.readUInt32LE(from + 4);
      if (textEnd - from > MAX_TEXT_BYTES || frameEnd - textEnd > MAX_JSON_BYTES) return refuseAll("too large a frame");
      frameBytes = frameEnd - from;
      if (data.length < frameEnd) break;
      const json = data.toString("utf8", textEnd, frameEnd);
      const texts = data.subarray(from + HEAD_BYTES, textEnd);
      const entries = entriesIn(json, texts.length);
      if (entries === undefined) return refuseAll(`not an array of messages: ${json.slice(0, 100)}`);
      takeAll(entries, texts, take);
      from = frameEnd;
      frameBytes = HEAD_BYTES;
    }
    return data.subarray(from);
  }

  return (piece) => {
    if (refused) return;
    if (begun.bytes() + piece.length < frameBytes) begun.keep(piece);
    else begun.keep(readWhole(begun.takeWith(piece)));
  };
}

/** The messages, and before some of them the size of their text: of all that are there. */
function entriesIn(json: string, textBytes: number): unknown[] | undefined {
  const entries = parsed(json);
  if (!Array.isArray(entries)) return undefined;
  let bytes = 0;
  for (const entry of entries) {
    if (typeof entry !== "number") continue;
    if (!Number.isSafeInteger(entry) || entry < 0) return undefined;
    bytes += entry;
  }
  return bytes === textBytes ? entries : undefined;
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
      const larger = Buffer.allocUnsafeSlow(2 * (length + more.length));
      larger.set(memory.subarray(0, length));
      memory = larger;
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

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
