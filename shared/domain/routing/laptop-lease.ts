import * as z from "zod/mini";
import { Instant, read } from "../text/schema.ts";
import { type Alias, AliasName } from "./alias.ts";

/** How often whoever listens says that it is still there, and how long after the last time it counts as gone. */
export const BEAT_MS = 15_000;
export const LEASE_MS = 45_000;

/** The right to run an alias's events on a laptop. */
export const LaptopLease = z.strictObject({
  component: z.string(),
  alias: AliasName,
  /** Drawn at random by each `turnout listen`. */
  session: z.string(),
  /** Who holds it and where, e.g. `ada on thinkpad`. */
  owner: z.string(),
  until: Instant,
  /** It was handed back, and not only left to lapse. */
  ended: z.optional(z.boolean()),
  /** The change that sends events to it; reverting it takes them away. */
  revision: z.optional(z.int()),
  /** Rises with every change; 0: not stored yet. */
  lock: z.int(),
});
export type LaptopLease = z.infer<typeof LaptopLease>;

/** Who asks for a lease. */
export type LeaseClaim = Pick<LaptopLease, "component" | "alias" | "session" | "owner">;

/** What is to be stored in the place of the lease that was found, or the lease of somebody else that stands against it. */
export type LeaseAnswer = { granted: LaptopLease } | { refused: LaptopLease };

/**
 * Takes a lease, or holds it for longer. One that has lapsed is anybody's; its own is had back by whoever slept past it, but
 * not by whoever handed it back: a beat that was under way then would have events come to nobody.
 */
export function holdLease(stored: LaptopLease | undefined, claim: LeaseClaim, now: Date): LeaseAnswer {
  const isOwn = stored?.session === claim.session;
  if (stored !== undefined && (isOwn ? stored.ended === true : isLive(stored, now))) return { refused: stored };
  const { component, alias, session, owner } = claim;
  const until = new Date(now.getTime() + LEASE_MS).toISOString();
  const revision = isOwn ? stored.revision : undefined;
  const lock = stored?.lock ?? 0;
  return {
    granted: { component, alias, session, owner, until, ...(revision !== undefined && { revision }), lock },
  };
}

/** The lease handed back: from now on nobody's. */
export function endLease(lease: LaptopLease, now: Date): LaptopLease {
  const until = new Date(Math.min(now.getTime(), Date.parse(lease.until))).toISOString();
  return { ...lease, until, ended: true };
}

export function isLive({ until, ended }: LaptopLease, now: Date): boolean {
  return ended !== true && Date.parse(until) > now.getTime();
}

/** The change that still sends events to a laptop which is gone; undefined where there is none, or somebody listens. */
export function leftChange(lease: LaptopLease | undefined, now: Date): number | undefined {
  if (lease === undefined || lease.ended === true || isLive(lease, now)) return undefined;
  return lease.revision;
}

/** Why an alias that stands for a laptop can't be had, with the time of day in UTC; undefined when it can. */
export function lapseText(lease: LaptopLease | undefined, now: Date): string | undefined {
  if (lease === undefined) return "no laptop listens";
  if (isLive(lease, now)) return undefined;
  return `laptop ${lease.ended === true ? "handed back" : "lease lapsed"} ${lease.until.slice(11, 19)}`;
}

/** The alias of somebody's laptop, by the name that the change log knows them by: of an AWS identity its last part. */
export function laptopAlias(who: string): Alias {
  const name = who.split("/").at(-1) ?? who;
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 64)
    .replaceAll(/^-+|-+$/g, "");
  const alias = read(AliasName, `laptop-${plain}`);
  return alias.ok ? alias.value : "laptop";
}
