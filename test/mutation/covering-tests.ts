import { posix } from "node:path";
import { importsOf, sourceFiles } from "../support/source-code.ts";

/** Folders whose tests run in one process, without a server or a database of its own. */
const TESTS = [
  "test/domain/",
  "test/flows/",
  "test/contracts/sqlite-",
  "test/event-store/",
  "test/event-queue/",
  "test/layouts/",
];

/** Asks for the run's DynamoDB Local as soon as it is imported. */
const NEEDS_A_SERVER = "test/support/dynamodb-local.ts";

/** For each file the tests that import it, directly or not: its own, those of its room, all others; nearest first. */
export function coveringTests(files: readonly string[]): Map<string, string[]> {
  const importers = new Map<string, string[]>();
  for (const source of sourceFiles("shared", "test")) {
    for (const { to, kind } of importsOf(source)) {
      if (kind !== "type") importers.set(to, [...(importers.get(to) ?? []), source.path]);
    }
  }
  const elsewhere = reachedFrom(NEEDS_A_SERVER, importers);
  return new Map(files.map((file) => [file, nearest(file, importers, elsewhere)]));
}

/** The file and all that import it, directly or not, nearest first. */
function reachedFrom(file: string, importers: ReadonlyMap<string, readonly string[]>): Set<string> {
  const reached = new Set([file]);
  // A set is walked in the order in which it grows.
  for (const path of reached) for (const importer of importers.get(path) ?? []) reached.add(importer);
  return reached;
}

function nearest(
  file: string,
  importers: ReadonlyMap<string, readonly string[]>,
  elsewhere: ReadonlySet<string>,
): string[] {
  const tests = [...reachedFrom(file, importers)].filter(
    (path) => path.endsWith(".test.ts") && !elsewhere.has(path) && TESTS.some((folder) => path.startsWith(folder)),
  );
  const namesake = file.replace(/^shared(.*)\.ts$/, "test$1");
  const isOfRoom = (path: string) => path.startsWith(`${posix.dirname(namesake)}/`);
  const rank = (path: string) => (path.startsWith(namesake) ? 0 : isOfRoom(path) ? 1 : 2);
  return tests.sort((a, b) => rank(a) - rank(b));
}
