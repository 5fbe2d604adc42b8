import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Tests that run side by side give the one of their own context: vitest can't tell whose turn it is. */
export type OnFinished = (then: () => Promise<void> | void) => void;

/** A folder of the test's own, removed when the test ends. */
export function temporaryFolder(onFinished: OnFinished = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), "turnout-test-"));
  onFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
