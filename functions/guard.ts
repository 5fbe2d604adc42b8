import middy from "@middy/core";
import { advanceReleases } from "../shared/flows/release/advance-releases.ts";
import type { GuardPorts } from "../shared/flows/watch/guard-ports.ts";
import { runGuards } from "../shared/flows/watch/run-guards.ts";

/** Looks at every guarded version, and takes releases as far as these allow it; called on a schedule. */
export function guardHandler(ports: GuardPorts) {
  return middy<unknown, void>().handler(async () => {
    try {
      await runGuards(ports);
    } finally {
      await advanceReleases(ports);
    }
  });
}
