import type { RowChange } from "../../../shared/domain/routing/routing-change.ts";
import type { DirectoryRow, RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";
import type { SubjectRow } from "../../../shared/domain/routing/subject-rows.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { undoByRevert } from "../changes/revert.ts";
import { willWrite } from "../terminal/confirm.ts";
import { withNewInstallation } from "../terminal/context.ts";
import { type MutationOptions, usage } from "../terminal/options.ts";
import { commandLine } from "../terminal/shell-quote.ts";

/** `false` for `--no-customer` and `--no-plan`. */
type SetOptions = MutationOptions & { project?: string; customer?: string | false; plan?: string | false };

export async function set(options: SetOptions): Promise<void> {
  const rows = statedRows(options);
  const edit: RoutingEdit = { kind: "set directory rows", rows };
  await withNewInstallation(willWrite(options), (state) =>
    changeRouting(state, options, {
      edit,
      what: `set ${rows.map(rowText).join(", ")}`,
      alreadySo: "the directory says so already",
      details: (changes) => changes.map(changeText),
      undo: (made) => (made.rows.length === 1 ? undoOf(made.rows, made.revisions) : undoByRevert(made.revisions)),
      now: new Date(),
    }),
  );
}

function statedRows({ project, customer, plan }: SetOptions): DirectoryRow[] {
  const rows: DirectoryRow[] = [];
  if (project !== undefined && customer !== undefined)
    rows.push({ level: "project", id: project, customer: customer || null });
  if (typeof customer === "string" && plan !== undefined)
    rows.push({ level: "customer", id: customer, plan: plan || null });
  const unused =
    (project !== undefined && customer === undefined) || (plan !== undefined && typeof customer !== "string");
  if (rows.length === 0 || unused) throw usage("Name a --project and its --customer, or a --customer and its --plan.");
  return rows;
}

function rowText(row: DirectoryRow): string {
  if (row.level === "project")
    return `project ${row.id}: ${row.customer === null ? "no customer" : `customer ${row.customer}`}`;
  return `customer ${row.id}: ${row.plan === null ? "no plan" : `plan ${row.plan}`}`;
}

function changeText({ key, before, after }: RowChange): string {
  const field = key.startsWith("project#") ? "customer" : "plan";
  const value = (row: RowChange["before"]) => (row as SubjectRow | null)?.[field] ?? `no ${field}`;
  return `${key.replace("#", " ")}: ${value(before)} → ${value(after)}`;
}

function undoOf([row]: readonly RowChange[], revisions: readonly number[]): string {
  if (row === undefined) return undoByRevert(revisions);
  const [level, field] = row.key.startsWith("project#")
    ? (["project", "customer"] as const)
    : (["customer", "plan"] as const);
  const before = (row.before as SubjectRow | null)?.[field];
  const value = before === undefined ? [`--no-${field}`] : [`--${field}`, before];
  const reason = `undo of revision ${revisions.join(", ")}`;
  return commandLine("directory", "set", `--${level}`, row.key.slice(level.length + 1), ...value, "--reason", reason);
}
