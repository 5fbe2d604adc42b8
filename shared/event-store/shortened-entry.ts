import type { Attempt, DeliveryError, LedgerEntry } from "../domain/deliveries/delivery.ts";

/**
 * The entry, then shorter and shorter ones: stacks go first, the words of the oldest attempts next, then their other details, then
 * the attempts themselves, and those of the last error at the very end.
 */
export function* shortened(entry: LedgerEntry): Generator<LedgerEntry> {
  yield entry;
  for (const length of [512, 256]) yield { ...entry, attempts: entry.attempts.map((one) => withStack(one, length)) };
  let attempts = entry.attempts.map((one) => withStack(one, 0));
  yield { ...entry, attempts };
  const older = [...attempts.slice(0, -1).keys()];
  const steps: ((attempt: Attempt) => Attempt)[] = [
    (attempt) => withError(attempt, ({ type, message }) => ({ type: cut(type, 64), message: cut(message, 64) })),
    (attempt) => withError(attempt, ({ type }) => ({ type: cut(type, 64), message: "" })),
    (attempt) => withError(attempt, ({ type }) => ({ type: cut(type, 16), message: "" })),
    ({ attempt, at, outcome }) => ({ attempt, at, outcome }),
  ];
  for (const step of steps) {
    for (const index of older) {
      attempts = attempts.map((attempt, n) => (n === index ? step(attempt) : attempt));
      yield { ...entry, attempts };
    }
  }
  while (attempts.length > 1) {
    attempts = attempts.slice(1);
    yield { ...entry, attempts };
  }
  for (const length of [192, 128, 96, 64, 32, 8, 0]) yield lastWords({ ...entry, attempts }, length);
}

/** With the texts of the last error, and of what ran, cut to so many characters. */
function lastWords(entry: LedgerEntry, length: number): LedgerEntry {
  const shorter = ({ type, message }: DeliveryError) => ({ type: cut(type, length), message: cut(message, length) });
  const { error, executedVersion } = entry;
  return {
    ...entry,
    ...(error === undefined ? {} : { error: shorter(error) }),
    ...(executedVersion === undefined ? {} : { executedVersion: cut(executedVersion, Math.max(32, length)) }),
    attempts: entry.attempts.map(({ requestId: _, ...attempt }) => {
      const { version } = attempt;
      const kept = version === undefined ? attempt : { ...attempt, version: cut(version, Math.max(32, length)) };
      return withError(kept, shorter);
    }),
  };
}

/** With that many characters of its stack; 0: without it. */
function withStack(attempt: Attempt, length: number): Attempt {
  return withError(attempt, ({ stack, ...error }) => ({
    ...error,
    ...(stack !== undefined && length > 0 && { stack: cut(stack, length) }),
  }));
}

function withError(attempt: Attempt, change: (error: DeliveryError) => DeliveryError): Attempt {
  return attempt.error === undefined ? attempt : { ...attempt, error: change(attempt.error) };
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).toWellFormed();
}
