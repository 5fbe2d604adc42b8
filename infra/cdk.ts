import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** What cdk is asked for. */
const ARGUMENTS: Record<string, readonly string[]> = {
  synth: ["synth", "--quiet"],
  deploy: ["deploy", "--all"],
  diff: ["diff", "--all"],
  destroy: ["destroy", "--all"],
};

const [command = "", environment, ...others] = process.argv.slice(2);
const asked = ARGUMENTS[command];
if (asked === undefined || environment === undefined || environment.startsWith("-")) {
  console.error(
    `Name the environment: npm run ${command || "synth"} -- ENV, e.g. npm run ${command || "synth"} -- dev`,
  );
  process.exit(2);
}
const repository = join(import.meta.dirname, "..");
// In npm's own words `cdk` is on the path; so it is when this is called by hand from a shell that has it.
const { status, error } = spawnSync("cdk", [...asked, "--context", `env=${environment}`, ...others], {
  cwd: repository,
  stdio: "inherit",
});
if (error !== undefined) console.error(`cdk can't be run (${error.message}). Run 'npm ci' first.`);
process.exit(status ?? 1);
