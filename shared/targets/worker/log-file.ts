import { join } from "node:path";

/** Where what a version has written is kept; what was before is beside it, as `<file>.1`. */
export function logFile(logs: string, component: string, version: string): string {
  return join(logs, component, `${version}.log`);
}
