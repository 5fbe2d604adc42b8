import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/**
 * The file that a command starts: a path is relative to the folder, a name is looked for in PATH.
 * @returns a sentence that says what is missing, where there is none
 */
export function findProgram(program: string, folder: string, path = ""): { file: string } | { problem: string } {
  if (program.includes("/")) {
    const file = resolve(folder, program);
    return isProgram(file) ? { file } : { problem: `${file} isn't there, or isn't executable` };
  }
  for (const place of path.split(delimiter)) {
    const file = join(place === "" ? "." : place, program);
    if (place !== "" && isProgram(file)) return { file };
  }
  const near = isProgram(join(folder, program)) ? `; write ./${program} for the one in the version's folder` : "";
  return { problem: `there is no ${program} in PATH (${path})${near}` };
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
