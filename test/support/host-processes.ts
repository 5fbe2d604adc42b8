import { readdirSync, readFileSync } from "node:fs";

/** The processes that versions run in: those below a server's that are Node. */
export function hostsOf(pid: number | undefined): number[] {
  const parents = new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name): [number, { parent: number; command: string }][] => {
        try {
          const stat = readFileSync(`/proc/${name}/stat`, "utf8");
          const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
          return [[Number(name), { parent: Number(parent), command: readFileSync(`/proc/${name}/cmdline`, "utf8") }]];
        } catch {
          return [];
        }
      }),
  );
  const isBelow = (process: number | undefined): boolean =>
    process !== undefined && process > 1 && (process === pid || isBelow(parents.get(process)?.parent));
  return [...parents]
    .filter(([name, { command }]) => name !== pid && command.includes("host-process.ts") && isBelow(name))
    .filter(([, { command }]) => !command.startsWith("setpriv") && !command.startsWith("unshare"))
    .map(([name]) => name);
}
