import type { Failure } from "../../domain/health/failure.ts";

/** Whom a failure has met, as one text; the same for all that are about nobody. */
export function customerOf({ subject: { customer, project, user } }: Pick<Failure, "subject">): string {
  return JSON.stringify([customer ?? project ?? user ?? null]);
}
