import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import type { ChangeOptions } from "./options.ts";

export type Terminal = { input: NodeJS.ReadableStream; output: NodeJS.WritableStream; isTerminal: boolean };

/** The answer to a question, or what came instead of one. */
export type Confirmation = "yes" | "no" | "interrupted";

/** Thrown when the operator pressed Ctrl-C at a prompt. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Asks on the terminal. Only `y` and `yes` mean yes; so does nothing else, not even the end of the input. */
export function askYesNo(question: string, terminal: Terminal): Promise<Confirmation> {
  return ask(`${question} [y/N] `, (text) => /^y(es)?$/i.test(text), terminal);
}

/** Asks for a number on the terminal: only the number itself means yes. */
export function askCount(question: string, count: number, terminal: Terminal): Promise<Confirmation> {
  return ask(`${question} Type ${count} to go on: `, (text) => text === `${count}`, terminal);
}

async function ask(
  prompt: string,
  isYes: (text: string) => boolean,
  { input, output, isTerminal }: Terminal,
): Promise<Confirmation> {
  const meaning = (text: string): Confirmation => (isYes(text.trim()) ? "yes" : "no");
  const lines = createInterface({ input, output, terminal: isTerminal });
  const interrupted = once(lines, "SIGINT").then((): Confirmation => "interrupted");
  const ended = once(lines, "close").then((): Confirmation => "no");
  // At the end of the input, Ctrl-D, the question is aborted.
  const answered = lines.question(prompt).then(meaning, (): Confirmation => "no");
  try {
    const answer = await Promise.race([answered, interrupted, ended]);
    if (answer === "interrupted") output.write("\n");
    return answer;
  } finally {
    lines.close();
  }
}

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true;
}

/** Whether a change can come about: not in a dry run, nor where it has to be confirmed and nobody can be asked. */
export function willWrite(options: ChangeOptions): boolean {
  return options.dryRun !== true && (options.yes === true || canAsk());
}

/**
 * Lets a change happen only if `--yes` was given or the operator says so.
 * @throws TurnoutError `needs confirmation` when they don't, or nobody can be asked; Interrupted at Ctrl-C
 */
export async function confirm(question: string, yes: boolean): Promise<void> {
  if (yes) return;
  if (!canAsk()) {
    throw new TurnoutError(
      "needs confirmation",
      "Nothing was changed: there is no terminal to ask on. Add --yes to do it, or --dry-run to only look.",
    );
  }
  refuseUnlessYes(await askYesNo(question, here()));
}

/**
 * Lets a change happen only if the operator types how much it is.
 * @throws TurnoutError `needs confirmation` when they don't; Interrupted at Ctrl-C
 */
export async function confirmCount(question: string, count: number): Promise<void> {
  refuseUnlessYes(await askCount(question, count, here()));
}

function here(): Terminal {
  return { input: process.stdin, output: process.stderr, isTerminal: true };
}

function refuseUnlessYes(answer: Confirmation): void {
  if (answer === "interrupted") throw new Interrupted();
  if (answer === "no") throw new TurnoutError("needs confirmation", "Nothing was changed.");
}
