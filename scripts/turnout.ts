import { run } from "./commands/program.ts";
import { complain } from "./commands/terminal/complain.ts";

// Whoever reads the output has seen enough, e.g. `| head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
process.stderr.on("error", () => {});
process.once("SIGINT", () => process.exit(130));

try {
  await run(process.argv.slice(2));
} catch (error) {
  process.exitCode = complain(error);
}
