import type { ReleaseVerdict } from "../../domain/releases/next-step.ts";
import type { Component } from "../../domain/routing/component.ts";
import type { Release } from "../../domain/routing/release.ts";
import { type HealthPorts, healthOf } from "../watch/health.ts";

/** What the guard says of a release's version since the release began. */
export async function judgeRelease(
  ports: HealthPorts,
  component: Component,
  release: Release,
  now: Date,
): Promise<ReleaseVerdict> {
  const window = { from: new Date(release.startedAt), to: now };
  const { versions } = await healthOf(ports, { component: component.name, window }, now);
  const health = versions.find(({ version }) => version === release.version);
  if (health?.verdict.level === "act")
    return { says: "worse", because: `${health.counts.failed} of ${health.counts.firsts} failed` };
  const needed = Math.max(0, 50 - (health?.counts.firsts ?? 0));
  return needed > 0 ? { says: "none", needed } : { says: "healthy" };
}
