import type { DeliveryError } from "../../domain/deliveries/delivery.ts";

/** What a host is told of the version it runs; it is told once, before anything else. */
export type HostedCode = {
  component: string;
  version: string;
  folder: string;
  handler: string;
  /** The folder and the handler as they were published; nothing is run when they have changed since. */
  codeSha256: string;
  /** Memory of one thread, in MiB. */
  memoryMb: number;
  /** Threads that the host may have at once. */
  concurrency: number;
  /** How long loading the module may take. */
  initTimeoutMs: number;
};

/** The error's type where no process could be started, for want of descriptors, memory or places: not the version's fault. */
export const NO_HOST = "Host.StartFailed";

/** From the router to a host, whose walls are also put around each process that it starts. Threads are numbered by the router and never used again. */
export type ToHost =
  | ["code", HostedCode, walls: readonly string[]]
  | ["start", thread: number]
  /** Comes with the event as its text. The number is the router's, as are those of the thread's other events: in order. */
  | ["invoke", thread: number, number: number, requestId: string, alias: string, timeoutMs: number]
  /** End everything; what runs is of no interest any more. */
  | ["end"];

/** From a host to the router. `not begun`: the thread ended for a reason of its own before it looked at the event. */
export type FromHost =
  | ["loaded", thread: number]
  | ["unloadable", thread: number, DeliveryError]
  | ["done", thread: number, number: number, durationMs: number]
  | ["failed", thread: number, number: number, durationMs: number, DeliveryError]
  | ["not begun", thread: number, number: number]
  /** Takes nothing any more. Told before the answer to what it ran, so that nothing else is given to it. */
  | ["ending", thread: number]
  | ["ended", thread: number]
  /** The thread was told to end, and can't be interrupted: only its process can be ended. */
  | ["stuck", thread: number]
  /** The process has far more memory than it may have, and asks to be ended. */
  | ["out of memory", limitMb: number];

/** Most characters of an error that are taken from a host; the ledger keeps fewer still. */
const MAX_ERROR_CHARACTERS = 1_000;

/** A host runs foreign code, so what it says is foreign. Undefined for what isn't a message. */
export function parseFromHost(message: unknown): FromHost | undefined {
  if (!Array.isArray(message)) return undefined;
  const [kind, thread, third, durationMs, error]: unknown[] = message;
  if (typeof thread !== "number" || !Number.isSafeInteger(thread)) return undefined;
  switch (kind) {
    case "loaded":
    case "ending":
    case "ended":
    case "stuck":
    case "out of memory":
      return [kind, thread];
    case "unloadable":
      return [kind, thread, errorIn(third)];
  }
  const number = third;
  if (typeof number !== "number" || !Number.isSafeInteger(number)) return undefined;
  if (kind === "not begun") return [kind, thread, number];
  if (typeof durationMs !== "number" || !(durationMs >= 0)) return undefined;
  if (kind === "done") return [kind, thread, number, durationMs];
  return kind === "failed" ? [kind, thread, number, durationMs, errorIn(error)] : undefined;
}

/** An error as text, whatever stands there. */
export function errorIn(value: unknown): DeliveryError {
  const said: Record<string, unknown> = typeof value === "object" && value !== null ? { ...value } : {};
  const error = { type: textIn(said.type, "Error"), message: textIn(said.message, "(no message)") };
  return typeof said.stack === "string" ? { ...error, stack: textIn(said.stack, "") } : error;
}

function textIn(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value.slice(0, MAX_ERROR_CHARACTERS).toWellFormed() : otherwise;
}
