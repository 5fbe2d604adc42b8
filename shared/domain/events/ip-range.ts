import { BlockList, isIP } from "node:net";
import type { Read } from "../text/schema.ts";

/** A network of IP addresses: those of one family that have its leading bits. */
export type IpRange = { family: 4 | 6; network: BlockList };

/** How a dual-stack socket writes IPv4: ::ffff:10.0.0.1 is 10.0.0.1. */
const mappedIpv4 = new BlockList();
mappedIpv4.addSubnet("::ffff:0:0", 96, "ipv6");

/**
 * Reads `10.0.0.0/24` or `2001:db8::/32`. Bits after the prefix are ignored. Like EventBridge it takes no network of a
 * single address (`/32`, `/128`).
 */
export function readIpRange(cidr: string): Read<IpRange> {
  const slash = cidr.indexOf("/");
  const address = cidr.slice(0, Math.max(slash, 0));
  const family = familyOf(address);
  if (family === undefined) {
    return {
      ok: false,
      problem: "must be an address, a slash and a prefix length such as 10.0.0.0/24 or 2001:db8::/32",
    };
  }
  const width = family === 4 ? 32 : 128;
  const prefixBits = cidr.slice(slash + 1);
  if (!/^\d{1,3}$/.test(prefixBits) || Number(prefixBits) >= width) {
    return {
      ok: false,
      problem: `must have an IPv${family} prefix length of 0 to ${width - 1}; write a single address as plain text`,
    };
  }
  const network = new BlockList();
  const isMapped = family === 4 && isIP(address) === 6;
  network.addSubnet(address, Number(prefixBits) + (isMapped ? 96 : 0), writtenAs(address));
  return { ok: true, value: { family, network } };
}

/** Whether the text is an address of the network. Text that is no address is in none. */
export function isInIpRange({ family, network }: IpRange, text: string): boolean {
  // Decimal, as EventBridge reads it, though others take 010 for 8.
  const address = /^\d+(\.\d+){3}$/.test(text) ? text.replace(/(^|\.)0+(?=\d)/g, "$1") : text;
  // Node's ::/0 has every IPv4 address in it, too.
  return familyOf(address) === family && network.check(address, writtenAs(address));
}

/** `undefined` for text that is no address, or one of a zone such as `fe80::1%eth0`, which only its own machine knows. */
function familyOf(text: string): 4 | 6 | undefined {
  if (isIP(text) === 0 || text.includes("%")) return undefined;
  return isIP(text) === 4 || mappedIpv4.check(text, "ipv6") ? 4 : 6;
}

function writtenAs(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}
