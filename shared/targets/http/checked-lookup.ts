import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { BlockList, isIP } from "node:net";

/** An address that isn't to be reached. No other attempt would reach it either. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

/** Networks that aren't the public internet (IANA, special-purpose address registries of both protocols). */
const SPECIAL: readonly [network: string, prefix: number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

const SPECIAL_IPV6: readonly [network: string, prefix: number][] = [
  // Of IPv6 only 2000::/3 is in use; what carries addresses of IPv4 within it would be a way round the list above.
  ["::", 3],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
  ["4000::", 2],
  ["8000::", 1],
];

/** Where machines in a cloud ask who they are, and for their credentials: nobody's target, private or not. */
const LINK_LOCAL: readonly [network: string, prefix: number][] = [
  ["169.254.0.0", 16],
  ["fe80::", 10],
  ["fd00:ec2::", 32],
];

const special = listOf(SPECIAL);
const specialIpv6 = listOf(SPECIAL_IPV6);
const linkLocal = listOf(LINK_LOCAL);

function listOf(networks: readonly [string, number][]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, `ipv${isIP(network) as 4 | 6}`);
  return list;
}

/** Why the address isn't to be reached; undefined when it may be. */
export function addressProblem(address: string, allowsPrivate: boolean): string | undefined {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  // IPv4's networks are found there also as IPv6 writes them, `::ffff:169.254.0.1`.
  if (linkLocal.check(address, family)) return `${address} is link-local, which no target may be`;
  // Of each family its own: a list with `::/3` holds every address of IPv4, in the form that IPv6 has for it.
  const isSpecial = family === "ipv4" ? special.check(address) : specialIpv6.check(address, family);
  if (allowsPrivate || !isSpecial) return undefined;
  return `${address} isn't an address of the public internet; say "private": true if it is meant`;
}

type Found = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

/**
 * `dns.lookup`, which finds no address that isn't to be reached. To be given to whatever connects: it connects to the very
 * addresses that were looked at, so a name that leads elsewhere a moment later leads nowhere.
 */
export function checkedLookup(allowsPrivate: boolean) {
  return (host: string, options: LookupOptions, found: Found): void => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return found(error, []);
      const problems = addresses.map(({ address }) => addressProblem(address, allowsPrivate));
      const allowed = addresses.filter((_, index) => problems[index] === undefined);
      const [first] = allowed;
      if (first === undefined) return found(new AddressRefused(`${host}: ${problems[0]}`), []);
      if (options.all) found(null, allowed);
      else found(null, first.address, first.family);
    });
  };
}
