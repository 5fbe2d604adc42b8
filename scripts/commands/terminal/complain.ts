import { CommanderError } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { printable } from "../../../shared/domain/text/printable.ts";
import { errorText } from "../wording/remedy-text.ts";
import { exitCodes } from "./exit-codes.ts";

/** Says on stderr what went wrong, in one line, and answers the exit code. The stack is for `TURNOUT_DEBUG=1`. */
export function complain(error: unknown): number {
  // Commander has said it already: help, the version, or what is wrong with the command line.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  if (error instanceof Error && error.name === "Interrupted") return exitCodes.interrupted;
  const told = error instanceof TurnoutError;
  const message = error instanceof Error ? error.message : String(error);
  complainLine(
    told ? errorText(error) : `Something unexpected went wrong: ${message}. Set TURNOUT_DEBUG=1 to see where.`,
  );
  if (process.env.TURNOUT_DEBUG === "1" && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return told ? exitCodes[error.kind] : exitCodes.failed;
}

export function complainLine(text: string): void {
  process.stderr.write(`turnout: ${printable(text)}\n`);
}
