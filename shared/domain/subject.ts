import * as z from "zod/mini";
import { splitKey } from "./text/split-key.ts";

/** The levels at which a subject can be pinned, in the order in which they win. */
export const subjectLevels = ["user", "project", "customer", "plan"] as const;
export type SubjectLevel = (typeof subjectLevels)[number];

/** Longest subject id, in UTF-8 bytes: with its level it stays far below DynamoDB's 2,048-byte partition key. */
const MAX_SUBJECT_ID_BYTES = 1024;

/**
 * The id of a project, customer, plan or user: any text of 1 to 1,024 UTF-8 bytes. Compared byte for byte, never
 * normalised. Half surrogates are refused: encoded as UTF-8 they would all become the same character.
 */
export const SubjectId = z.string().check(
  z.minLength(1, "a subject id can't be empty"),
  z.refine((id) => id.isWellFormed(), "a subject id must be well-formed Unicode (it has half a surrogate pair)"),
  z.refine((id) => !CONTROL_CHARACTER.test(id), "a subject id can't have control characters"),
  z.refine(fits, `a subject id has at most ${MAX_SUBJECT_ID_BYTES} bytes`),
);

const CONTROL_CHARACTER = /\p{Cc}/u;

/** The same as the schema. */
export function isSubjectId(id: unknown): id is string {
  return typeof id === "string" && id !== "" && id.isWellFormed() && !CONTROL_CHARACTER.test(id) && fits(id);
}

function fits(id: string): boolean {
  return id.length <= MAX_SUBJECT_ID_BYTES / 3 || Buffer.byteLength(id) <= MAX_SUBJECT_ID_BYTES;
}

/** Who an event is about. */
export const Subject = z.object({
  project: z.optional(SubjectId),
  customer: z.optional(SubjectId),
  plan: z.optional(SubjectId),
  user: z.optional(SubjectId),
});
export type Subject = z.infer<typeof Subject>;

export type SubjectKey = `${SubjectLevel}#${string}`;

const beginnings = subjectLevels.map((level) => `${level}#`);

export function isSubjectKey(key: string): key is SubjectKey {
  return beginnings.some((beginning) => key.startsWith(beginning));
}

/** The keys of the rows that decide for a subject, in winning order. */
export function subjectKeys(subject: Subject): SubjectKey[] {
  const keys: SubjectKey[] = [];
  for (const level of subjectLevels) {
    const id = subject[level];
    if (id !== undefined) keys.push(`${level}#${id}`);
  }
  return keys;
}

/** A subject of whom nothing is known but the one id. */
export function subjectOf(key: SubjectKey): Subject {
  const [level, id] = splitKey(key);
  return { [level]: id };
}
