import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import type { HostedCode } from "./host-messages.ts";
import type { Walls } from "./host-walls.ts";

const HOST_PROCESS = fileURLToPath(new URL("./host-process.ts", import.meta.url));

/** Starts a host's process. Undefined when none can be started. */
export function spawnHost(
  { prefix }: Walls,
  environment: Record<string, string>,
  inspect: string | undefined,
): ChildProcess | undefined {
  // Its threads, too: that is where the code runs.
  const inspected = inspect === undefined ? [] : [`--inspect=${inspect}`, "--experimental-worker-inspection"];
  const [command = process.execPath, ...args] = [...prefix, process.execPath, ...inspected, HOST_PROCESS];
  try {
    return spawn(command, args, {
      env: environment,
      cwd: "/",
      // A process group of its own, for what the version starts.
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
    });
  } catch {
    // No descriptor or no memory left for another process.
    return undefined;
  }
}

export function exitError(exitCode: number | null, signal: NodeJS.Signals | null): DeliveryError {
  const how = signal === null ? `with exit code ${exitCode}` : `by ${signal}`;
  return { type: "Runtime.ExitError", message: `the version's process ended ${how}` };
}

export function memoryProblem({ memoryMb, concurrency }: HostedCode, limitMb: number): string {
  const remedy = "Give the component more worker.memoryMb, or find what it keeps";
  return `its process used far more memory than the ${limitMb} MB of ${concurrency} threads of ${memoryMb} MB. ${remedy}.`;
}
