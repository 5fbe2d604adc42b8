import middy from "@middy/core";
import { advanceReleases, type ReleasePorts } from "../shared/flows/release/advance-release.ts";

/** Looks at every release that is under way, and takes it one step further where it may go; called on a schedule. */
export function releasesHandler(ports: ReleasePorts & { now: () => Date; onError: (error: unknown) => void }) {
  return middy<unknown, void>().handler(() => advanceReleases(ports));
}
