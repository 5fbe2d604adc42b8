import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import type { SendResult } from "../target.ts";
import type { HostedCode } from "./host-messages.ts";

/** How often an event may be handed to threads that end before they look at it: then it counts as failed. */
export const MOST_NOT_BEGUN = 10;

export type JobAnswers = ReturnType<typeof jobAnswers>;

/** What the jobs of one version are told that it hasn't answered itself. */
export function jobAnswers({ component, version, concurrency }: HostedCode) {
  const name = `${component} version ${version}`;

  function failed(error: DeliveryError, durationMs = 0): SendResult {
    return { outcome: "failed", error, executedVersion: version, durationMs };
  }

  return {
    failed,
    neverBegun: () =>
      failed({
        type: "Runtime.ExitError",
        message: `${MOST_NOT_BEGUN} threads of ${name} ended before they looked at the event`,
      }),
    crowded: (others: number) =>
      throttled("NoRoom", `${others} events wait for the ${concurrency} workers of ${name} already`),
    expired: (latestStart: Date) =>
      throttled(
        "NoFreeWorker",
        `none of the ${concurrency} workers of ${name} was free by ${latestStart.toISOString()}`,
      ),
    paused: (crashes: number, retryAt: Date): SendResult => {
      const message = `the process of ${name} has ended by itself ${crashes} times lately`;
      return { ...throttled("VersionPaused", message), retryAt };
    },
    suspected: () => throttled("HostEnded", `the process of ${name} ended, with other events running in it`),
    interrupted: () => throttled("HostEnded", `the process of ${name} was ended because of another event`),
    noHost: ({ type, message }: DeliveryError) => throttled(type, message),
    stopped: () => throttled("ShuttingDown", "Turnout is being stopped"),
  };
}

function throttled(type: string, message: string): SendResult & { outcome: "throttled" } {
  return { outcome: "throttled", error: { type, message } };
}
