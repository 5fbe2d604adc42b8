import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { folderVersionCatalog } from "../../shared/versions/folder-version-catalog.ts";
import { type OnFinished, temporaryFolder } from "../support/tmp.ts";

export const now = new Date("2026-11-20T10:00:00.123Z");
export const component = "release-coordinator";

/** A catalog on disk, of its own. */
export function openCatalog() {
  const home = temporaryFolder();
  const folder = join(home, "versions");
  const database = openDatabase(join(home, "state.db"));
  onTestFinished(() => database.close());
  const catalog = folderVersionCatalog(database, folder);

  async function refusal(source: string, handler?: string): Promise<Error> {
    const named = handler === undefined ? {} : { handler };
    const refused = await catalog.publish({ component, source, ...named, now }).catch((error: unknown) => error);
    expect(await catalog.versions(component)).toEqual([]);
    expect(refused).toBeInstanceOf(Error);
    return refused as Error;
  }
  return {
    home,
    folder,
    database,
    catalog,
    refusal,
    codeIn: (version: string) => filesIn(join(folder, component, version)),
  };
}

/** A folder of its own in a temporary one, with these files. */
export function codeFolder(files: Record<string, string>, onFinished?: OnFinished): string {
  const folder = join(temporaryFolder(onFinished), "code");
  mkdirSync(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function filesIn(folder: string, below = ""): Record<string, string> {
  const entries = readdirSync(join(folder, below)).map((name) => join(below, name));
  return Object.assign(
    {},
    ...entries.map((path) =>
      statSync(join(folder, path)).isDirectory()
        ? filesIn(folder, path)
        : { [path]: readFileSync(join(folder, path), "utf8") },
    ),
  ) as Record<string, string>;
}
