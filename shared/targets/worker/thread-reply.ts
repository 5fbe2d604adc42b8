import { errorIn } from "./host-messages.ts";
import type { Failure, Reply } from "./worker-thread.ts";

/** The thread runs foreign code: what it posts is looked at before it is believed. Undefined for what isn't a reply. */
export function parseReply(message: unknown): Reply | undefined {
  if (!Array.isArray(message)) return undefined;
  const [kind, first, second, third]: unknown[] = message;
  const isDuration = typeof second === "number" && second >= 0;
  switch (kind) {
    case "loaded":
    case "progress":
      return [kind];
    case "unloadable":
      return [kind, failureIn(first)];
    case "ending":
      return [kind, typeof first === "string" ? first : undefined, failureIn(second)];
    case "failed":
      return typeof first === "string" && isDuration ? [kind, first, second, failureIn(third)] : undefined;
  }
  return undefined;
}

/** What a thread says that went wrong, or what it threw: anything at all. */
export function failureIn(value: unknown): Failure {
  if (value instanceof Error) return errorIn({ type: value.name, message: value.message });
  if (typeof value !== "object" || value === null) return { type: typeof value, message: String(value) };
  const text = "text" in value && typeof value.text === "string" ? { text: value.text } : {};
  return { ...errorIn(value), ...text };
}
