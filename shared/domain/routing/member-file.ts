import * as z from "zod/mini";
import { SubjectId, type SubjectKey } from "../subject.ts";
import { readCsv } from "../text/csv.ts";
import { splitJson } from "../text/json-items.ts";
import { type Read, read, readJson } from "../text/schema.ts";
import type { BadLine } from "./directory-file.ts";

/** The levels whose subjects can be in a cohort. */
export const memberLevels = ["user", "project", "customer"] as const;
export type MemberLevel = (typeof memberLevels)[number];

const MemberLine = z.union(
  [
    z.strictObject({ customer: SubjectId }),
    z.strictObject({ project: SubjectId }),
    z.strictObject({ user: SubjectId }),
  ],
  { error: 'expected {"customer": "…"}, {"project": "…"} or {"user": "…"}' },
);

/** Every subject once, in the file's order. */
export type MemberFile = { members: SubjectKey[]; bad: BadLine[] };

type StatedMember = { where: string; member: Read<SubjectKey> };

/**
 * Reads the members of a cohort: one id per line under the header `customer`, `project` or `user` (CSV), or JSON objects such
 * as `{"customer": "acme"}` (an array, or one per line).
 */
export function readMemberFile(text: string): Read<MemberFile> {
  const first = text.replace(/^\uFEFF/, "").trimStart()[0];
  const lines = first === "{" || first === "[" ? jsonLines(text) : csvLines(text);
  if (!lines.ok) return lines;
  const members = new Set<SubjectKey>();
  const bad: BadLine[] = [];
  for (const { where, member } of lines.value) {
    if (member.ok) members.add(member.value);
    else bad.push({ where, problem: member.problem });
  }
  return { ok: true, value: { members: [...members], bad } };
}

function jsonLines(text: string): Read<StatedMember[]> {
  const items = splitJson(text);
  if (!items.ok) return items;
  return {
    ok: true,
    value: items.value.map(({ text: item, where }) => ({
      where: where === "" ? "line 1" : where,
      member: jsonMember(item),
    })),
  };
}

function jsonMember(item: string): Read<SubjectKey> {
  const json = readJson(item);
  const line = json.ok ? read(MemberLine, json.value) : json;
  if (!line.ok) return line;
  const { value } = line;
  if ("user" in value) return { ok: true, value: `user#${value.user}` };
  return { ok: true, value: "customer" in value ? `customer#${value.customer}` : `project#${value.project}` };
}

function csvLines(text: string): Read<StatedMember[]> {
  const [header, ...records] = readCsv(text);
  const name = header?.cells[0]?.text.trim();
  const level = memberLevels.find((candidate) => candidate === name);
  if (level === undefined || header?.cells.length !== 1) {
    return {
      ok: false,
      problem: `expected 'customer', 'project' or 'user' alone on the first line, and an id on each after it`,
    };
  }
  return {
    ok: true,
    value: records.map(({ line, cells, problem: broken }) => {
      if (broken !== undefined) return { where: `line ${line}`, member: { ok: false, problem: broken } };
      const [cell, ...others] = cells;
      const id = cell?.text ?? "";
      const spaced = cell?.quoted === false && id !== id.trim();
      const problem =
        others.length > 0
          ? `has ${cells.length} cells, and the header has 1`
          : `'${id}' begins or ends with a space; take it away, or put the cell in quotes`;
      if (others.length > 0 || spaced) return { where: `line ${line}`, member: { ok: false, problem } };
      const parsed = read(SubjectId, id);
      return { where: `line ${line}`, member: parsed.ok ? { ok: true, value: `${level}#${parsed.value}` } : parsed };
    }),
  };
}
