import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const ROWS = 100_000;
const CLI = fileURLToPath(new URL("../../bin/start.js", import.meta.url));

/** Prints how fast `directory import` takes a large directory: a real process, and a state file on disk. */
export async function benchImportRate(): Promise<void> {
  console.log(`Directory import of ${ROWS.toLocaleString("en-US")} rows from CSV, embedded, durable`);
  const folder = mkdtempSync(join(tmpdir(), "turnout-bench-"));
  try {
    const file = join(folder, "directory.csv");
    writeFileSync(file, csv());
    const steps = [
      ["into an empty state", ["directory", "import", file]],
      ["again, all there already", ["directory", "import", file]],
      ["export of the whole", ["export", join(folder, "routing.json")]],
      ["import of that, all there already", ["import", join(folder, "routing.json")]],
    ] as const;
    for (const [name, args] of steps) {
      const seconds = await timed(args, join(folder, "state"));
      const perSecond = Math.round(ROWS / seconds).toLocaleString("en-US");
      console.log(`  ${name}: ${seconds.toFixed(1)} s, ${perSecond} rows/s`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Nine projects per customer, each line with the customer's plan: a row per project and one per customer. */
function csv(): string {
  const lines = ["project,customer,plan"];
  for (let n = 0; n < ROWS; n++) {
    const customer = `customer-${Math.floor(n / 10)}`;
    lines.push(n % 10 === 0 ? `,${customer},paid` : `${customer}/project-${n % 10},${customer},`);
  }
  return `${lines.join("\n")}\n`;
}

async function timed(args: readonly string[], home: string): Promise<number> {
  const options = args[0] === "export" ? [] : ["--reason", "bench", "--yes"];
  const start = performance.now();
  const child = spawn(process.execPath, [CLI, ...args, ...options, "--json"], {
    env: { ...process.env, TURNOUT_HOME: home },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [complaint, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
  if (code !== 0) throw new Error(`turnout ${args.join(" ")} ended with ${code}: ${complaint}`);
  return (performance.now() - start) / 1_000;
}
