import middy from "@middy/core";
import type { GuardPorts } from "../shared/flows/watch/guard-ports.ts";
import { runGuards } from "../shared/flows/watch/run-guards.ts";

/** Looks at every guarded version, called on a schedule. */
export function guardHandler(ports: GuardPorts) {
  return middy<unknown, void>().handler(() => runGuards(ports));
}
