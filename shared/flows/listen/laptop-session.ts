import {
  endLease,
  holdLease,
  type LaptopLease,
  type LeaseClaim,
  lapseText,
} from "../../domain/routing/laptop-lease.ts";
import type { LaptopStore } from "../../laptop-store/laptop-store.ts";
import { LOST, lostRaces } from "../lost-races.ts";

export type SessionPorts = { laptops: LaptopStore; now: () => Date };

/** The lease as it is held now, and why it hadn't been held to the end; or whose it is. */
export type Beat = { held: LaptopLease; sleptPast?: string } | { refused: LaptopLease };

const MOVED = { left: "Somebody else takes and leaves it all the time. Try again." };

/** Takes the lease, or holds it for longer. */
export async function beat({ laptops, now }: SessionPorts, claim: LeaseClaim): Promise<Beat> {
  return lostRaces(async () => {
    const stored = await leaseOf(laptops, claim);
    const at = now();
    const answer = holdLease(stored, claim, at);
    if ("refused" in answer) return answer;
    const held = await laptops.putLease(answer.granted);
    if (held === undefined) return LOST;
    const sleptPast = stored?.session === claim.session ? lapseText(stored, at) : undefined;
    return { held, ...(sleptPast !== undefined && { sleptPast }) };
  }, MOVED);
}

/** Notes which change sends events to the laptop, for whoever has to take it back. */
export async function noteRevision(
  { laptops }: Pick<SessionPorts, "laptops">,
  claim: LeaseClaim,
  revision: number,
): Promise<void> {
  await change(laptops, claim, (lease) => ({ ...lease, revision }));
}

/** Hands the lease back. One that somebody else has by now is theirs. */
export async function endSession({ laptops, now }: SessionPorts, claim: LeaseClaim): Promise<void> {
  await change(laptops, claim, (lease) => endLease(lease, now()));
}

async function change(laptops: LaptopStore, claim: LeaseClaim, to: (lease: LaptopLease) => LaptopLease): Promise<void> {
  await lostRaces(async () => {
    const stored = await leaseOf(laptops, claim);
    if (stored?.session !== claim.session) return undefined;
    return (await laptops.putLease(to(stored))) === undefined ? LOST : undefined;
  }, MOVED);
}

/** The lease of an alias; undefined where there never was one, or it is long over. */
export async function leaseOf(
  laptops: Pick<LaptopStore, "leases">,
  { component, alias }: Pick<LeaseClaim, "component" | "alias">,
): Promise<LaptopLease | undefined> {
  return (await laptops.leases()).find((lease) => lease.component === component && lease.alias === alias);
}
