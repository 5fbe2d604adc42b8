import type { ErrorKind } from "../../../shared/domain/errors.ts";

/** What the shell gets to know. 0 is success. */
export const exitCodes: Record<ErrorKind | "partly done" | "interrupted", number> = {
  failed: 1,
  usage: 2,
  "not found": 3,
  "not allowed": 4,
  conflict: 5,
  "needs confirmation": 6,
  "partly done": 7,
  interrupted: 130,
};

/** Ends the command well, but with a code that says that not everything was done. */
export function endPartlyDone(): void {
  process.exitCode = exitCodes["partly done"];
}

/** Ends the command with the code of a failure that it has told in its own way. */
export function endFailed(): void {
  process.exitCode = exitCodes.failed;
}
