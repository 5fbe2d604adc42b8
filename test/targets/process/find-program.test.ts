import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { findProgram } from "../../../shared/targets/process/find-program.ts";
import { temporaryFolder } from "../../support/tmp.ts";

const folder = temporaryFolder(afterAll);
mkdirSync(join(folder, "bin"));
for (const [path, mode] of [
  ["run.sh", 0o700],
  ["data.txt", 0o600],
  ["bin/tool", 0o700],
] as const) {
  writeFileSync(join(folder, path), "", { mode });
}
const PATH = `::/nowhere:${join(folder, "bin")}`;

it.each([
  ["a path in the folder", "./run.sh", "run.sh"],
  ["a path further down", "bin/tool", "bin/tool"],
  ["a name in PATH", "tool", "bin/tool"],
])("findProgram finds %s", (_, program, file) => {
  expect(findProgram(program, folder, PATH)).toEqual({ file: join(folder, file) });
});

it.each([
  ["what isn't there", "./nowhere", /nowhere isn't there, or isn't executable$/],
  ["what can't be executed", "./data.txt", /data\.txt isn't there, or isn't executable$/],
  ["a folder", "./bin", /bin isn't there, or isn't executable$/],
  ["a name that isn't in PATH", "nowhere", /^there is no nowhere in PATH \(.*bin\)$/],
  [
    "a name in the folder, and says how it is written",
    "run.sh",
    /; write \.\/run\.sh for the one in the version's folder$/,
  ],
])("findProgram doesn't find %s", (_, program, problem) => {
  expect(findProgram(program, folder, PATH)).toEqual({ problem: expect.stringMatching(problem) });
});
