import type { Failure } from "../../domain/health/failure.ts";
import { readJson } from "../../domain/text/schema.ts";

/** Whom a failure has met, as one text; the same for all that are about nobody. */
export function customerOf({ subject: { customer, project, user } }: Pick<Failure, "subject">): string {
  return JSON.stringify([customer ?? project ?? user ?? null]);
}

/** Whom `customerOf` has told, in words. */
export function customerName(text: string): string {
  const read = readJson(text);
  const name: unknown = read.ok && Array.isArray(read.value) ? read.value[0] : text;
  return typeof name === "string" ? name : "nobody in particular";
}
