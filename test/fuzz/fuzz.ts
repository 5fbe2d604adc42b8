import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fuzzFrontDoor } from "./fuzz-front-door.ts";

const HELP = `Sends whatever a publisher, or something that is none, may send to a running server's front door: events that are
in order and nearly so, other requests, torn, slow and huge ones. A model of its own says what has to become of each.

Usage: npm run fuzz -- [options]

  --inputs N    inputs (default 10000)
  --seconds N   stops after so many seconds, whatever is left (default: when all inputs are sent)
  --seed N      the seed that they are drawn from (default 1)
  --help        prints this

Exit codes: 0 the server is alive, nothing was lost and nothing wrongly taken, 1 not so, 2 usage
`;

function readOptions() {
  const { values } = parseArgs({
    options: {
      inputs: { type: "string", default: "10000" },
      seconds: { type: "string" },
      seed: { type: "string", default: "1" },
      help: { type: "boolean", default: false },
    },
  });
  const [inputs, seed, seconds] = [values.inputs, values.seed, values.seconds ?? "86400"].map(Number);
  if (![inputs, seed, seconds].every((n) => Number.isSafeInteger(n) && Number(n) > 0))
    throw new RangeError("expected numbers");
  return { help: values.help, inputs: Number(inputs), seed: Number(seed), seconds: Number(seconds) };
}

async function main(): Promise<number> {
  const { help, ...options } = readOptions();
  if (help) {
    process.stdout.write(HELP);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), "turnout-fuzz-"));
  try {
    const { sent, accepted, refused, problems } = await fuzzFrontDoor({ ...options, home: join(folder, "state") });
    process.stdout.write(
      `${sent} inputs of seed ${options.seed}: ${accepted} events taken, ${refused} inputs refused\n`,
    );
    for (const problem of problems.slice(0, 20)) process.stdout.write(`FAILED  ${problem}\n`);
    process.stdout.write(
      problems.length === 0 ? "nothing lost, nothing wrongly taken\n" : `${problems.length} problems\n`,
    );
    return problems.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`fuzz: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 2;
}
