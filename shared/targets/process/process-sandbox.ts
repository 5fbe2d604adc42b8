import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import { requestIdOfTag } from "../../domain/deliveries/request-id.ts";
import { readCommand, VERSION_FILE, type VersionCommand } from "../../domain/text/version-file.ts";
import { NO_HOST } from "../worker/host-messages.ts";
import { killGroup } from "../worker/kill-group.ts";
import type { Sandbox, SandboxOptions, ThreadJob, ThreadResult } from "../worker/worker-sandbox.ts";
import type { Failure } from "../worker/worker-thread.ts";
import { findProgram } from "./find-program.ts";
import { type OneInProcess, withLine } from "./one-in-process.ts";
import { memoryOf } from "./process-memory.ts";
import { type TaggedOutput, tagLines } from "./process-output.ts";
import { type RuntimeAnswer, type RuntimeApi, serveRuntimeApi } from "./runtime-api.ts";

/** A process that was killed and hasn't ended by then is stuck in the kernel: only its host's end is left to try. */
const END_GRACE_MS = 1_000;

/** Whoever holds the output open when the process has ended has left its walls, or there are none. */
const OUTPUT_GRACE_MS = 250;

/**
 * The first process of a namespace can't be signalled from within, not even by itself, and what it is left with by others
 * stays as zombies; so the command is the second one. All of them end with the first.
 */
const FIRST_PROCESS = ["sh", "-c", '"$@"; exit $?', "sh"];

/** What a shell adds to the number of the signal that has ended a command. */
const ENDED_BY_SIGNAL = 128;

const MEBIBYTE = 1_048_576;

const STOPPED: Failure = { type: "Sandbox.Stopped", message: "Turnout was stopped before the event was done" };

type ProcessOptions = SandboxOptions & {
  command: VersionCommand;
  /** What is put before it, so that it and all that it starts end together. */
  walls: readonly string[];
};

type Running = ThreadJob & {
  /** What the process knows it by; it has to stand in a path. */
  runtimeId: string;
  startMs: number;
  timer: NodeJS.Timeout;
  tell: (result: ThreadResult) => void;
  given: boolean;
  answer?: RuntimeAnswer;
};

/** Starts processes of the version in the current folder. @returns why it can't be started, if its command is unreadable */
export async function processStarter(
  walls: readonly string[],
): Promise<((options: SandboxOptions) => Sandbox) | Failure> {
  const read = readCommand(await readFile(VERSION_FILE, "utf8"));
  const problem = read.ok ? "it names no command" : read.problem;
  const command = read.ok ? read.value : undefined;
  if (command !== undefined) return (options) => withLine(startProcess({ ...options, command, walls }));
  return { type: "Runtime.InvalidEntrypoint", message: `${VERSION_FILE}: ${problem}` };
}

/**
 * One process of a version in any language, which runs one event at a time. It is loaded once it asks for its first
 * event. An event is through once the process, having answered it, asks for the next one or ends: until then, as on
 * Lambda, its time goes on. Runs in a host.
 */
function startProcess(options: ProcessOptions): OneInProcess {
  const { code, initTimeoutMs, log, now, onStuck, walls } = options;
  const loaded = Promise.withResolvers<Failure | undefined>();
  const ended = Promise.withResolvers<void>();
  let state: ReturnType<Sandbox["state"]> = "loading";
  let running: Running | undefined;
  let fate: Failure | undefined;
  let child: ChildProcess | undefined;
  let api: RuntimeApi | undefined;
  let outputs: TaggedOutput[] = [];
  let lateEnd: NodeJS.Timeout | undefined;
  let concluded = false;
  let memoryBytes = 0;
  const initTimer = setTimeout(() => {
    const message = `Init timed out after ${seconds(initTimeoutMs)} seconds: the process asked for no event`;
    end({ type: "Sandbox.Timedout", message });
  }, initTimeoutMs);

  function settle(): void {
    if (running?.answer === undefined) return;
    const { answer, timer, startMs, requestId, tell } = running;
    clearTimeout(timer);
    for (const output of outputs) output.endLine();
    running = undefined;
    const durationMs = performance.now() - startMs;
    if (answer.ok) tell({ outcome: "done", durationMs });
    else {
      note(answer.error, requestId);
      tell({ outcome: "failed", error: { type: answer.error.type, message: answer.error.message }, durationMs });
    }
  }

  function note({ type, message, text = message }: Failure, requestId: string | undefined): void {
    log.note(now(), requestId, `${type}: ${text}`);
  }

  /** Nothing more will come from the process. What it has answered stands. */
  function conclude(failure: Failure): void {
    if (concluded) return;
    concluded = true;
    state = "ending";
    clearTimeout(initTimer);
    loaded.resolve(failure);
    if (running === undefined) {
      if (failure !== STOPPED) note(failure, undefined);
    } else if (running.given) {
      running.answer ??= { ok: false, error: failure };
      settle();
    } else {
      clearTimeout(running.timer);
      running.tell({ outcome: "not begun" });
      running = undefined;
      note(failure, undefined);
    }
  }

  /** Told once the process has ended: the retry of an event that timed out mustn't overlap with its first run. */
  function end(failure: Failure): void {
    if (state === "ending") return;
    state = "ending";
    fate ??= failure;
    lateEnd = setTimeout(() => {
      conclude(failure);
      onStuck();
    }, END_GRACE_MS);
    if (child === undefined) gone(failure);
    else killGroup(child);
  }

  function gone(failure: Failure): void {
    clearTimeout(lateEnd);
    api?.close();
    conclude(fate ?? failure);
    ended.resolve();
  }

  function isReady(): void {
    if (state !== "loading") return;
    state = "ready";
    clearTimeout(initTimer);
    loaded.resolve(undefined);
  }

  const calls = {
    next() {
      if (running?.given === true && running.answer === undefined) return "the last event isn't answered yet";
      // A turn later: what it wrote before it asked may be read only now.
      setImmediate(() => {
        settle();
        isReady();
      });
      return undefined;
    },
    answer(requestId: string, answer: RuntimeAnswer) {
      if (running?.runtimeId !== requestId || !running.given || running.answer !== undefined) return false;
      running.answer = answer;
      return true;
    },
    failInit: (error: Failure) => end(error),
    refused: (problem: string) => log.note(now(), running?.requestId, problem),
  };

  async function start(): Promise<void> {
    const program = findProgram(options.command[0], code.folder, process.env.PATH);
    if ("problem" in program) {
      end({ type: "Runtime.InvalidEntrypoint", message: program.problem });
      return;
    }
    try {
      api = await serveRuntimeApi(calls);
      if (state === "ending") api.close();
      else begin(program.file, api.address);
    } catch (error) {
      // No port, descriptor or memory left: not the version's fault.
      end({ type: NO_HOST, message: error instanceof Error ? error.message : String(error) });
    }
  }

  function begin(file: string, address: string): void {
    const within = walls.length === 0 ? [] : [...walls, ...FIRST_PROCESS];
    const [command = file, ...args] = [...within, file, ...options.command.slice(1)];
    const started = spawn(command, args, {
      cwd: code.folder,
      env: { ...environmentOf(options), AWS_LAMBDA_RUNTIME_API: address },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    outputs = [started.stdout, started.stderr].map((output) => tagLines(output, () => running?.requestId));
    for (const { lines } of outputs) log.take(lines);
    started.on("error", (error) => gone({ type: NO_HOST, message: error.message }));
    started.on("exit", (exitCode, signal) => {
      state = "ending";
      killGroup(started);
      const failure = { type: "Runtime.ExitError", message: `the process ended ${howEnded(exitCode, signal)}` };
      // Once everything that it has started is gone as well, and what it wrote is read.
      const finish = () => {
        clearTimeout(late);
        gone(failure);
      };
      const late = setTimeout(finish, OUTPUT_GRACE_MS);
      started.once("close", finish);
    });
  }

  void start();
  return {
    state: () => state,
    loaded: loaded.promise,
    ended: ended.promise,
    invoke(job, tell) {
      const message = `Task timed out after ${seconds(job.timeoutMs)} seconds`;
      const timer = setTimeout(() => {
        // The answer may have come while this process was busy: let it be read first.
        setImmediate(() => running === it && end({ type: "Sandbox.Timedout", message }));
      }, job.timeoutMs);
      const runtimeId = requestIdOfTag(job.requestId);
      const it: Running = { ...job, runtimeId, startMs: performance.now(), timer, tell, given: false };
      running = it;
      api?.give({
        requestId: runtimeId,
        payload: job.payload,
        deadlineMs: now().getTime() + job.timeoutMs,
        functionArn: `arn:aws:lambda:local:000000000000:function:${code.component}:${job.alias}`,
        given() {
          it.given = true;
        },
      });
    },
    checkMemory() {
      if (child?.pid === undefined || state === "ending") return;
      memoryBytes = memoryOf(child.pid);
      if (memoryBytes > code.memoryMb * MEBIBYTE) end(outOfMemory(code.memoryMb));
    },
    memoryBytes: () => memoryBytes,
    endForMemory: () => end(outOfMemory(code.memoryMb)),
    stop: () => end(STOPPED),
  };
}

/** The host's own environment, which is the version's, and what runtimes of other languages look for beside it. */
function environmentOf({ code: { component, version, folder } }: ProcessOptions): NodeJS.ProcessEnv {
  return {
    // Its folder is what was published, and stays so.
    PYTHONDONTWRITEBYTECODE: "1",
    ...process.env,
    LAMBDA_TASK_ROOT: folder,
    AWS_LAMBDA_LOG_GROUP_NAME: `/turnout/${component}`,
    AWS_LAMBDA_LOG_STREAM_NAME: version,
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
  };
}

function outOfMemory(memoryMb: number): Failure {
  const remedy = "Give the component more worker.memoryMb, or find what it keeps";
  return { type: "Runtime.OutOfMemory", message: `more memory was used than the ${memoryMb} MB it has. ${remedy}.` };
}

function howEnded(exitCode: number | null, signal: NodeJS.Signals | null): string {
  const number = (exitCode ?? 0) - ENDED_BY_SIGNAL;
  const [name = signal] = Object.entries(constants.signals).find(([, each]) => each === number) ?? [];
  return name === null ? `with exit code ${exitCode}` : `by ${name}`;
}

/** As Lambda writes it: `3.00`. */
function seconds(durationMs: number): string {
  return (durationMs / 1_000).toFixed(2);
}
