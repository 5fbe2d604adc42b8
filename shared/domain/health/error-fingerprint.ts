import type { DeliveryError } from "../deliveries/delivery.ts";

/** Longest fingerprint: it is counted by, and stands in a column. */
const MAX_CHARS = 100;

/** What is read of a message: the rest says no more of what kind of error it is. */
const MAX_READ = 400;

/** Ids, numbers and quotes, each in the place of all like it; what is longer before what may be part of it. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/"[^"]*"|`[^`]*`|(?<![\p{L}\p{N}])'[^']*'/gu, "'…'"],
  [/[\p{L}][\p{L}\p{N}+.-]*:\/\/\S+/gu, "URL"],
  [/[\p{L}\p{N}._%+-]+@[\p{L}\p{N}.-]+/gu, "ADDRESS"],
  // Whatever has a digit in it, with all that it hangs together with: 42, 0x1f, evt_9, 12.5ms, a UUID, a time.
  [/[\p{L}_-]*\p{N}[\p{L}\p{N}_.:-]*/gu, "N"],
];

/**
 * What two errors of one kind have in common: type and message with ids, numbers and quotes taken out. For a person to
 * read, and to count by.
 */
export function errorFingerprint({ type, message }: DeliveryError): string {
  const first = message.slice(0, MAX_READ).trim().split("\n")[0] ?? "";
  const common = VARYING.reduce((text, [pattern, instead]) => text.replace(pattern, instead), first);
  const text = (common === "" ? type : `${type}: ${common}`).replaceAll(/\s+/g, " ");
  return text.length <= MAX_CHARS ? text.toWellFormed() : `${text.slice(0, MAX_CHARS - 1).toWellFormed()}…`;
}
