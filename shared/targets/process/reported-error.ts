import { jsonFields } from "../../domain/text/schema.ts";
import type { Failure } from "../worker/worker-thread.ts";

/** Most characters of an error's type and message; the ledger keeps fewer still. */
const MAX_MESSAGE = 300;

/** Most characters of its stack in the log. */
const MAX_TEXT = 8_000;

/** Reads an error as the Runtime API has it. Whatever else it is becomes one. */
export function reportedError(body: string, typeHeader: string | undefined): Failure {
  const { errorType, errorMessage, stackTrace } = jsonFields(body);
  const type = [errorType, typeHeader].find((each) => typeof each === "string" && each !== "");
  const message = typeof errorMessage === "string" ? errorMessage : body;
  const stack = Array.isArray(stackTrace) ? stackTrace.map(lineOf).join("\n") : "";
  return {
    type: cut(typeof type === "string" ? type : "Runtime.Unknown", MAX_MESSAGE),
    message: cut(message, MAX_MESSAGE),
    ...(stack === "" ? {} : { text: cut(`${message}\n${stack}`, MAX_TEXT) }),
  };
}

/** Python's frames are texts, those of Go and Rust objects. */
function lineOf(frame: unknown): string {
  return typeof frame === "string" ? frame.trimEnd() : JSON.stringify(frame);
}

function cut(text: string, most: number): string {
  return (text.length <= most ? text : `${text.slice(0, most - 1)}…`).toWellFormed();
}
