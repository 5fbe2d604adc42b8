import { styleText } from "node:util";
import { printable, printableJson } from "../../../shared/domain/text/printable.ts";

export type Style = Parameters<typeof styleText>[0];

/** Data, for a person. Whatever came from outside is shown without control characters. */
export function printLine(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** Data, for a program: one line of JSON. */
export function printJson(value: object): void {
  process.stdout.write(`${safeJson(value)}\n`);
}

/** One line of JSON. What is not seen is escaped, in case it ends on a terminal. */
export function safeJson(value: object): string {
  return printableJson(JSON.stringify(value));
}

/** JSON for a person to read and edit. */
export function printPrettyJson(value: object): void {
  for (const line of JSON.stringify(value, undefined, 2).split("\n")) printLine(line);
}

/** Everything that isn't data. */
export function note(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

/** Colours the text for stdout: only on a terminal, and not with NO_COLOR. The text must be printable already. */
export function paint(style: Style, text: string): string {
  return process.stdout.isTTY ? styleText(style, text, { stream: process.stdout }) : text;
}
