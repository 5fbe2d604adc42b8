import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The system's temporary folder is one of the run's own, which goes with it: CDK removes nothing of what it writes there,
 * and a process that is killed can't.
 */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "turnout-run-"));
  // As it is with the system's: tests of permissions go in as another user.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
