import * as z from "zod/mini";
import { type Subject, SubjectId, type SubjectLevel } from "../subject.ts";
import { recordOf } from "../text/schema.ts";
import { CohortName } from "./cohort.ts";
import { Pin } from "./pin.ts";

/** What the routing table knows of one user, project, customer or plan. A project names its customer, a customer its plan. */
export const SubjectRow = z.object({
  customer: z.optional(SubjectId),
  plan: z.optional(SubjectId),
  pins: z._default(recordOf(z.string(), Pin), {}),
  cohorts: z._default(z.array(CohortName), []),
});
export type SubjectRow = z.infer<typeof SubjectRow>;

/** Reads one subject's row as of the revision at hand; undefined when there is none. */
export type SubjectRows = (level: SubjectLevel, id: string) => SubjectRow | undefined;

/** Fills in what the event left out: project → customer → plan. What the event says wins over the directory. */
export function resolveSubject(stated: Subject, rowOf: SubjectRows): Subject {
  const customer =
    stated.customer ?? (stated.project === undefined ? undefined : rowOf("project", stated.project)?.customer);
  const plan = stated.plan ?? (customer === undefined ? undefined : rowOf("customer", customer)?.plan);
  const resolved = { ...stated };
  if (customer !== undefined) resolved.customer = customer;
  if (plan !== undefined) resolved.plan = plan;
  return resolved;
}

/** The rows whose cohorts a subject is in: those of its user, its project and its customer. */
export function cohortRows({ user, project, customer }: Subject, rowOf: SubjectRows): SubjectRow[] {
  const rows = [
    user === undefined ? undefined : rowOf("user", user),
    project === undefined ? undefined : rowOf("project", project),
    customer === undefined ? undefined : rowOf("customer", customer),
  ];
  return rows.filter((row) => row !== undefined);
}

/** Whether a subject is in a cohort, by these rows. */
export function isMemberOn(rowOf: SubjectRows): (subject: Subject, cohort: string) => boolean {
  return (subject, cohort) => cohortRows(subject, rowOf).some(({ cohorts }) => cohorts.includes(cohort));
}

export function isEmptySubjectRow(row: SubjectRow): boolean {
  return (
    row.customer === undefined &&
    row.plan === undefined &&
    row.cohorts.length === 0 &&
    Object.keys(row.pins).length === 0
  );
}
