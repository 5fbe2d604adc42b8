import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** What cdk is asked for. */
const ARGUMENTS: Record<string, readonly string[]> = {
  synth: ["synth", "--quiet"],
  deploy: ["deploy", "--all"],
  diff: ["diff", "--all"],
  destroy: ["destroy", "--all"],
};

const repository = join(import.meta.dirname, "..");
const [command = "", environment, ...others] = process.argv.slice(2);
const asked = ARGUMENTS[command];
if (asked === undefined || environment === undefined || environment.startsWith("-")) {
  console.error(
    `Name the environment: npm run ${command || "synth"} -- ENV, e.g. npm run ${command || "synth"} -- dev`,
  );
  process.exit(2);
}
process.exitCode = await (command === "deploy" ? deploy(asked, environment) : cdk(asked, environment));

/**
 * Tables and stacks that refuse to be deleted would keep a creation that fails from being taken back, and from being
 * tried again. So an environment that is to be protected is protected once it is there, by a second deployment.
 */
async function deploy(args: readonly string[], environment: string): Promise<number> {
  const { deployedEnvironment } = await import("./deployed-environment.ts");
  const { isProtected, isThere } = await deployedEnvironment(environment, others);
  if (!isProtected || isThere) return cdk(args, environment);
  console.error(`${environment} isn't there yet, whole: it is deployed without its protection, and then protected.`);
  return cdk(args, environment, "--context", "first=true") || cdk(args, environment);
}

/** Its exit code. */
function cdk(args: readonly string[], environment: string, ...about: string[]): number {
  // In npm's own words `cdk` is on the path; so it is when this is called by hand from a shell that has it.
  const { status, error } = spawnSync("cdk", [...args, "--context", `env=${environment}`, ...about, ...others], {
    cwd: repository,
    stdio: "inherit",
  });
  if (error !== undefined) console.error(`cdk can't be run (${error.message}). Run 'npm ci' first.`);
  return status ?? 1;
}
