import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Ticks of a second that Linux counts processor time in. */
const TICKS = 100;

/**
 * Processor time in seconds, user and system, of these processes and all that they have started. A figure of what is done
 * that other load on the machine changes far less than events per second. Undefined where there is no `/proc`.
 */
export function processorSeconds(pids: readonly number[]): number | undefined {
  if (!existsSync("/proc/self/stat")) return undefined;
  const known = new Set(pids);
  const rest = readdirSync("/proc").flatMap(statOf);
  let ticks = 0;
  for (let found = true; found; ) {
    found = false;
    for (const one of rest) {
      if (one.counted || !(known.has(one.pid) || known.has(one.parent))) continue;
      one.counted = true;
      found = true;
      known.add(one.pid);
      ticks += one.ticks;
    }
  }
  return ticks / TICKS;
}

function statOf(name: string): { pid: number; parent: number; ticks: number; counted: boolean }[] {
  if (!/^\d+$/.test(name)) return [];
  try {
    // The program's name stands in brackets, and may hold anything.
    const text = readFileSync(`/proc/${name}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // Its own two, and those of children that have ended (proc_pid_stat(5): utime, stime, cutime, cstime).
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return [{ pid: Number(name), parent: Number(fields[1]), ticks, counted: false }];
  } catch {
    // It has ended meanwhile.
    return [];
  }
}
