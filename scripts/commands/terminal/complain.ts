import { CommanderError } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { printable, printableJson } from "../../../shared/domain/text/printable.ts";
import { errorText } from "../../../shared/installation/wording/remedy-text.ts";
import { exitCodes } from "./exit-codes.ts";

let asJson = false;

/** Says whether the command was given `--json`: then what goes wrong is told in JSON, too, a line each on stderr. */
export function complainInJson(args: readonly string[]): void {
  const end = args.indexOf("--");
  asJson = args.slice(0, end < 0 ? undefined : end).includes("--json");
}

/**
 * Says on stderr what went wrong, in one line, and answers the exit code. The stack is for `TURNOUT_DEBUG=1`. In JSON it is
 * `{"error", "message", "exit_code"}`: what kind of error, by the name of its exit code, and the line itself.
 */
export function complain(error: unknown): number {
  // Commander has said it already: help, the version, or what is wrong with the command line.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  if (error instanceof Error && error.name === "Interrupted") return exitCodes.interrupted;
  const kind = error instanceof TurnoutError ? error.kind : "failed";
  const message = error instanceof Error ? error.message : String(error);
  complainLine(
    error instanceof TurnoutError
      ? errorText(error)
      : `Something unexpected went wrong: ${message}. Set TURNOUT_DEBUG=1 to see where.`,
    kind,
  );
  if (process.env.TURNOUT_DEBUG === "1" && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return exitCodes[kind];
}

/** One line of what went wrong. @param kind what it is in JSON */
export function complainLine(message: string, kind: keyof typeof exitCodes = "failed"): void {
  const json = () => printableJson(JSON.stringify({ error: kind, message, exit_code: exitCodes[kind] }));
  process.stderr.write(asJson ? `${json()}\n` : `turnout: ${printable(message)}\n`);
}
