import type { ChildProcess } from "node:child_process";

/** Ends a process that was started as a group of its own, and whatever is left in its group. */
export function killGroup(child: ChildProcess | undefined): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}
