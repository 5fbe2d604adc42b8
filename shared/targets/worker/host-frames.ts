import type { Readable, Writable } from "node:stream";

/** The longest line that is taken: room for an event of the largest size, escaped twice over. */
const MAX_FRAME_CHARACTERS = 16_777_216;

/** Writes messages to the stream, those of one turn of the event loop together: a line of JSON, an array of them. */
export function frameWriter(stream: Writable): (message: unknown) => void {
  let waiting: unknown[] = [];
  const write = () => {
    const messages = waiting;
    waiting = [];
    if (stream.writable) stream.write(`${JSON.stringify(messages)}\n`);
  };
  return (message) => {
    waiting.push(message);
    if (waiting.length === 1) setImmediate(write);
  };
}

export type FrameReading = {
  take: (message: unknown) => void;
  /** The stream holds what no `frameWriter` wrote. Nothing that comes after it is read. */
  refuse: (problem: string) => void;
};

/** Reads what a `frameWriter` wrote, or somebody else in its place. */
export function readFrames(stream: Readable, { take, refuse }: FrameReading): void {
  let begun: string[] = [];
  let characters = 0;
  let refused = false;

  function refuseOnce(problem: string): void {
    refused = true;
    begun = [];
    refuse(problem);
  }

  function takeLine(line: string): void {
    const messages = parsed(line);
    if (Array.isArray(messages)) messages.forEach(take);
    else refuseOnce(`not an array of messages: ${line.slice(0, 100)}`);
  }

  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    if (refused) return;
    let from = 0;
    for (let end = chunk.indexOf("\n"); end >= 0 && !refused; end = chunk.indexOf("\n", from)) {
      const line = begun.join("") + chunk.slice(from, end);
      begun = [];
      characters = 0;
      from = end + 1;
      takeLine(line);
    }
    if (refused || from === chunk.length) return;
    begun.push(chunk.slice(from));
    characters += chunk.length - from;
    if (characters > MAX_FRAME_CHARACTERS) refuseOnce(`a line of more than ${MAX_FRAME_CHARACTERS} characters`);
  });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
