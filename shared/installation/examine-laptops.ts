import { isLive, lapseText } from "../domain/routing/laptop-lease.ts";
import { type Finding, fine, warning } from "./finding.ts";
import type { Installation } from "./installation.ts";

/** Names who listens on a laptop, and what a listener that was killed couldn't take back. */
export async function examineLaptops({ laptops }: Pick<Installation, "laptops">, now: Date): Promise<Finding[]> {
  return (await laptops.leases()).flatMap((lease): Finding[] => {
    const { component, alias, owner, until, revision, ended } = lease;
    const check = `${alias} of ${component}`;
    if (isLive(lease, now)) return [fine(check, `${owner} listens; the lease is held until ${until}`)];
    if (ended === true || revision === undefined) return [];
    const found = `${lapseText(lease, now)}; what it would get goes elsewhere, by rules that ${owner} has left`;
    return [warning(check, found, { operation: "revert change", revision })];
  });
}
