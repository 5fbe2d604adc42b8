import { isKeyOf, type RowChange, type StoredRow } from "../../../shared/domain/routing/routing-change.ts";
import type { DirectoryRow, RoutingEdit } from "../../../shared/domain/routing/routing-edit.ts";
import { isSubjectChange } from "../../../shared/domain/routing/row-map.ts";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import type { SubjectKey } from "../../../shared/domain/subject.ts";
import { keyInWords, splitKey } from "../../../shared/domain/text/split-key.ts";
import type { CommandWords } from "../../../shared/installation/wording/shell-quote.ts";
import { undoByRevert } from "../../../shared/installation/wording/undo-commands.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { willWrite } from "../terminal/confirm.ts";
import { withNewInstallation } from "../terminal/context.ts";
import { type ChangeOptions, usage } from "../terminal/options.ts";

/** `false` for `--no-customer` and `--no-plan`. */
type SetOptions = ChangeOptions & { project?: string; customer?: string | false; plan?: string | false };

export async function set(options: SetOptions): Promise<void> {
  const rows = statedRows(options);
  const edit: RoutingEdit = { kind: "set directory rows", rows };
  await withNewInstallation(willWrite(options), (installation) =>
    changeRouting(installation, options, {
      edit,
      what: `set ${rows.map(rowText).join(", ")}`,
      alreadySo: "the directory says so already",
      details: (changes) => changes.filter(isSubjectChange).map(changeText),
      undo: ({ rows: changes, revisions }) => undoOf(changes.filter(isSubjectChange), revisions),
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

function changeText({ key, before, after }: RowChange<SubjectKey>): string {
  const field = fieldOf(key);
  const value = (row: StoredRow<SubjectKey> | null) => readable(row)?.[field] ?? `no ${field}`;
  return `${keyInWords(key)}: ${value(before)} → ${value(after)}`;
}

function fieldOf(key: SubjectKey): "customer" | "plan" {
  return isKeyOf("project", key) ? "customer" : "plan";
}

function undoOf([row, ...others]: readonly RowChange<SubjectKey>[], revisions: readonly number[]): CommandWords {
  if (row === undefined || others.length > 0) return undoByRevert(revisions);
  const [level, id] = splitKey(row.key);
  const field = fieldOf(row.key);
  const before = readable(row.before)?.[field];
  const value = before === undefined ? [`--no-${field}`] : [`--${field}`, before];
  const reason = `undo of revision ${revisions.join(", ")}`;
  return ["directory", "set", `--${level}`, id, ...value, "--reason", reason];
}
