import { writeFileSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { VERSION_FILE } from "../../domain/text/version-file.ts";
import { codeProblem } from "../../versions/version-folder.ts";
import { frameReader, frameWriter } from "./host-frames.ts";
import type { FromHost, HostedCode, ToHost } from "./host-messages.ts";
import { logLines } from "./worker-output.ts";
import { type Sandbox, type SandboxOptions, startThread, type ThreadResult } from "./worker-sandbox.ts";
import type { Failure } from "./worker-thread.ts";

/**
 * The process that one version runs in, with its threads: started by the router, told over a socket what to run, and
 * gone when the socket is. Nothing in it is the router's: whatever a version does to its process, it does to itself.
 */

/** The file descriptors that the router opens: the socket for messages, and the pipe for the log. */
const MESSAGES_FD = 3;
const LOG_FD = 4;

/** Most that is read at once. */
const READ_BYTES = 262_144;

/** How often memory is looked at, and what waits for a thread. */
const CHECK_MS = 50;

/** An event isn't left waiting behind one that runs for longer than this. */
const MAX_WAIT_MS = 50;

/**
 * Memory that the process may have beside its threads' own, in MiB: Node itself, what a thread's start takes, and garbage
 * that isn't collected yet. Above that the thread with the most memory is ended.
 */
const PROCESS_MB = 256;
const THREAD_HEADROOM_MB = 128;

/**
 * Above this many times what it may have, at so many looks in a row, the process is ended: ending a thread didn't help, or
 * took too long. In a row, because what a thread had isn't given back the moment that it ends.
 */
const HARD_LIMIT_FACTOR = 2;
const HARD_LIMIT_LOOKS = 10;

const MEBIBYTE = 1_048_576;

type InvokeMessage = ToHost & ["invoke", ...unknown[]];
type StartSandbox = (options: SandboxOptions) => Sandbox;

const readPiece = frameReader({ take: (message, text) => take(message as ToHost, text), refuse: () => endNow() });
const router = new Socket({
  fd: MESSAGES_FD,
  readable: true,
  writable: true,
  // One piece of memory for all that comes: what is to be kept of it is copied anyway.
  onread: {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback(bytes, buffer) {
      readPiece(Buffer.from(buffer.buffer, 0, bytes));
      return true;
    },
  },
});
const log = new Socket({ fd: LOG_FD, readable: false, writable: true });
const tell: (message: FromHost) => void = frameWriter(router);
// Two streams of every thread end in it.
log.setMaxListeners(0);
const threads = new Map<number, Sandbox>();
const outputs = new Set<Promise<void>>();
let code: HostedCode | undefined;
let startSandbox: StartSandbox = startThread;
let looksAboveLimit = 0;
let intact: Promise<Failure | undefined> = Promise.resolve(undefined);

// Whoever started this process is gone, or has closed its side: nobody would read an answer.
router.on("close", () => endNow());
router.on("error", () => endNow());
log.on("error", () => {});
preferForTheKernelsOutOfMemoryKiller();

function take(message: ToHost, text: Buffer): void {
  switch (message[0]) {
    case "code":
      code = message[1];
      intact = checkDigest(code).then((failure) => failure ?? prepare(message[1], message[2]));
      setInterval(() => {
        takeBackSlow();
        checkMemory();
      }, CHECK_MS);
      return;
    case "start":
      void intact.then((failure) => {
        if (failure === undefined && code !== undefined) return start(message[1], code);
        tell([
          "unloadable",
          message[1],
          failure ?? { type: "Host.NoCode", message: "the host wasn't told what to run" },
        ]);
        tell(["ended", message[1]]);
      });
      return;
    case "invoke":
      invoke(message, text);
      return;
    case "end":
      return void endInOrder();
  }
}

/** Ends the threads, lets what they wrote reach the log, and then the process. The router doesn't wait for long. */
async function endInOrder(): Promise<void> {
  for (const sandbox of threads.values()) sandbox.stop();
  await Promise.all([...threads.values()].map(({ ended }) => ended));
  await Promise.all(outputs);
  log.end(endNow);
}

function start(thread: number, { component, version, folder, handler, memoryMb, initTimeoutMs }: HostedCode): void {
  let sandbox: Sandbox;
  try {
    sandbox = startSandbox({
      code: { component, version, folder, handler, memoryMb },
      initTimeoutMs,
      log: {
        take: takeOutput,
        note: (at, requestId, text) => void log.write(logLines(at, requestId, text)),
      },
      now: () => new Date(),
      onStuck: () => tell(["stuck", thread]),
    });
  } catch (error) {
    const message = `no thread could be started: ${error instanceof Error ? error.message : String(error)}`;
    tell(["unloadable", thread, { type: "Sandbox.StartFailed", message }]);
    tell(["ended", thread]);
    return;
  }
  threads.set(thread, sandbox);
  void sandbox.loaded.then((failure) => {
    if (failure === undefined) tell(["loaded", thread]);
    else tell(["unloadable", thread, { type: failure.type, message: failure.message }]);
  });
  void sandbox.ended.then(() => {
    threads.delete(thread);
    tell(["ended", thread]);
  });
}

function takeOutput(output: Readable): void {
  const end = finished(output, { writable: false }).catch(() => {});
  outputs.add(end);
  void end.then(() => outputs.delete(end));
  output.pipe(log, { end: false });
}

function invoke([, thread, number, requestId, alias, timeoutMs]: InvokeMessage, text: Buffer): void {
  const sandbox = threads.get(thread);
  if (sandbox?.state() !== "ready") {
    tell(["not begun", thread, number]);
    return;
  }
  // The text is the stream's.
  sandbox.invoke({ payload: Buffer.from(text), requestId, alias, timeoutMs }, (result) => {
    if (sandbox.state() === "ending") tell(["ending", thread]);
    tellResult(thread, number, result);
  });
}

function tellResult(thread: number, number: number, result: ThreadResult): void {
  switch (result.outcome) {
    case "done":
      // In whole microseconds: more digits than that cost time in each process.
      tell(["done", thread, number, Math.round(result.durationMs * 1_000) / 1_000]);
      return;
    case "failed":
      tell(["failed", thread, number, result.durationMs, result.error]);
      return;
    case "not begun":
      tell(["not begun", thread, number]);
      return;
  }
}

/** Others may be free for what waits behind an event that takes its time. */
function takeBackSlow(): void {
  const slow = performance.now() - MAX_WAIT_MS;
  for (const sandbox of threads.values()) sandbox.takeBack(slow);
}

/** A version is what was published: code that was changed behind Turnout's back isn't it. */
async function checkDigest(published: HostedCode): Promise<Failure | undefined> {
  const problem = await codeProblem(published);
  if (problem !== undefined) return { type: "Runtime.CodeChanged", message: problem };
  process.chdir(published.folder);
  return undefined;
}

/** Code in another language is started as its command, where JavaScript gets a thread. */
async function prepare({ handler }: HostedCode, walls: readonly string[]): Promise<Failure | undefined> {
  if (handler !== VERSION_FILE) return undefined;
  const { processStarter } = await import("../process/process-sandbox.ts");
  const starter = await processStarter(walls);
  if (typeof starter !== "function") return starter;
  startSandbox = starter;
  return undefined;
}

function checkMemory(): void {
  for (const sandbox of threads.values()) sandbox.checkMemory();
  if (code === undefined) return;
  const limit = (PROCESS_MB + threads.size * (code.memoryMb + THREAD_HEADROOM_MB)) * MEBIBYTE;
  const bytes = residentBytes();
  looksAboveLimit = bytes > limit * HARD_LIMIT_FACTOR ? looksAboveLimit + 1 : 0;
  if (looksAboveLimit >= HARD_LIMIT_LOOKS) {
    tell(["out of memory", Math.round(limit / MEBIBYTE)]);
    return;
  }
  if (bytes <= limit) return;
  const [largest] = [...threads.values()].sort((a, b) => b.memoryBytes() - a.memoryBytes());
  const fairBytes = (code.memoryMb + THREAD_HEADROOM_MB) * MEBIBYTE;
  if (largest !== undefined && largest.memoryBytes() > fairBytes) largest.endForMemory();
}

/** None where it can't be told: a version may have used up the descriptors. */
function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}

/** A machine without memory left ends a version rather than the router. Linux only; elsewhere there is no such file. */
function preferForTheKernelsOutOfMemoryKiller(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", "1000");
  } catch {
    // Not Linux, or not allowed.
  }
}

/** A thread that can't be interrupted would hold up an orderly exit; the kernel doesn't ask it. */
function endNow(): void {
  process.kill(process.pid, "SIGKILL");
  // The first process of a namespace is spared by signals from within.
  process.exit(1);
}
