import { createHash } from "node:crypto";
import { cp, lstat, open, readdir, readFile, readlink, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, posix, relative, resolve, sep } from "node:path";
import { TurnoutError } from "../domain/errors.ts";

/** Lambda's limit for a function's unzipped code: 250 MB (Lambda quotas). */
const MAX_CODE_BYTES = 262_144_000;

/** A folder with code. Links that stay in the folder are kept as links: a pnpm tree consists of them. */
export type CodeFolder = {
  /** Absolute, with no symbolic link in it. */
  path: string;
  folders: string[];
  /** Sorted by path; paths are relative, with `/`. */
  files: CodeFile[];
};
type CodeFile = { path: string; executable: boolean; link?: string };

/**
 * Lists what is in the folder, and checks that a copy of it would be complete in itself.
 * @param apart a folder that the copy is going to be in, and that must therefore not be in this one
 * @throws TurnoutError `not found` without such a folder, `usage` when it can't be a version
 */
export async function readCodeFolder(source: string, apart?: string): Promise<CodeFolder> {
  const path = await folderAt(source);
  if (apart !== undefined && !leadsOut(relative(path, apart))) {
    throw refused(source, "holds Turnout's own copies of the versions", "Publish a folder with only the code");
  }
  const code: CodeFolder = { path, folders: [], files: [] };
  let bytes = 0;
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name);
    const inside = relative(path, full).replaceAll(sep, "/");
    if (entry.isDirectory()) code.folders.push(inside);
    else if (entry.isSymbolicLink()) {
      code.files.push({ path: inside, executable: false, link: await linkWithin(code.path, inside) });
    } else if (entry.isFile()) {
      const { size, mode } = await lstat(full);
      bytes += size;
      code.files.push({ path: inside, executable: (mode & 0o111) !== 0 });
    } else throw refused(full, "is neither a file nor a folder nor a link", "Remove it");
  }
  if (code.files.length === 0) throw refused(source, "is empty", "Build the code first");
  if (bytes > MAX_CODE_BYTES) {
    const problem = `has ${bytes} bytes; a version may have ${MAX_CODE_BYTES} (250 MB, as on Lambda)`;
    throw refused(source, problem, "Leave out what isn't needed to run it");
  }
  code.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return code;
}

/** SHA-256 of every path, its kind and its content, and of the handler; 64 hexadecimal digits. */
export async function codeSha256(code: CodeFolder, handler: string): Promise<string> {
  const hash = createHash("sha256").update(`${JSON.stringify(handler)}\n`);
  for (const { path, executable, link } of code.files) {
    const content = link ?? (await readFile(join(code.path, path)));
    const kind = link === undefined ? (executable ? "executable" : "file") : "link";
    // With its length, so that no content can pass for another file's beginning.
    hash.update(`${JSON.stringify([path, kind, content.length])}\n`).update(content);
  }
  return hash.digest("hex");
}

/** What keeps the code in the folder from being what was published; undefined when it is just that. */
export async function codeProblem(published: { folder: string; handler: string; codeSha256: string }) {
  const { folder, handler } = published;
  try {
    const found = await codeSha256(await readCodeFolder(folder), handler);
    if (found === published.codeSha256) return undefined;
    return `the code in ${folder} isn't what was published (digest ${found}, not ${published.codeSha256})`;
  } catch (error) {
    return `the code can't be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * Copies the code to a folder that doesn't exist yet, makes its files readable by their owner alone and written by nobody,
 * and waits until all is on disk.
 */
export async function copyCode(code: CodeFolder, to: string): Promise<CodeFolder> {
  await cp(code.path, to, { recursive: true, verbatimSymlinks: true, errorOnExist: true, force: false });
  const copy = await readCodeFolder(to);
  for (const { path, executable, link } of copy.files) {
    if (link === undefined) await settle(join(to, path), executable ? 0o500 : 0o400);
  }
  // Folders stay writable for their owner: without that, nobody could remove an old version.
  for (const folder of [...copy.folders, ""]) await settle(join(to, folder), 0o700);
  return copy;
}

async function settle(path: string, mode: number): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function folderAt(source: string): Promise<string> {
  const found = await stat(source).catch(() => undefined);
  if (found?.isDirectory()) return realpath(source);
  const problem = found === undefined ? "There is no folder" : "A version is a folder, not a file such as";
  throw new TurnoutError("not found", `${problem} ${resolve(source)}. Name the folder with the version's code.`);
}

/**
 * What the link says. It has to lead to something in the folder by the way it is written as well as in fact: the copy
 * stands elsewhere, and an absolute path or one by way of a parent would lead back to the original.
 */
async function linkWithin(folder: string, path: string): Promise<string> {
  const link = await readlink(join(folder, path));
  const inFact = await realpath(join(folder, path)).catch(() => undefined);
  const asWritten = posix.join(posix.dirname(path), link.replaceAll(sep, "/"));
  const where = join(folder, path);
  if (inFact === undefined) throw refused(where, `is a link to ${link}, which isn't there`, "Remove it");
  if (isAbsolute(link) || leadsOut(asWritten) || leadsOut(relative(folder, inFact))) {
    throw refused(where, `is a link that leads out of the folder, to ${link}`, "Copy what it leads to");
  }
  return link;
}

function leadsOut(path: string): boolean {
  return path === ".." || path.startsWith(`..${sep}`) || path.startsWith("../") || isAbsolute(path);
}

function refused(path: string, problem: string, remedy: string): TurnoutError {
  return new TurnoutError("usage", `${path} ${problem}. ${remedy}.`);
}
