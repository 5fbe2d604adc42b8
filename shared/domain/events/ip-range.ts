import type { Read } from "../text/schema.ts";

/** A network of IP addresses: those of one family that have its leading bits. */
export type IpRange = { family: 4 | 6; leading: bigint; hostBits: bigint };

type IpAddress = { family: 4 | 6; bits: bigint };

/** Longest text of an IP address: six groups and an IPv4 tail. */
const MAX_ADDRESS_CHARACTERS = 45;

/**
 * Reads `10.0.0.0/24` or `2001:db8::/32`. Bits after the prefix are ignored. Like EventBridge it takes no network of a
 * single address (`/32`, `/128`).
 */
export function readIpRange(cidr: string): Read<IpRange> {
  const slash = cidr.indexOf("/");
  const address = slash === -1 ? undefined : readAddress(cidr.slice(0, slash));
  if (address === undefined) {
    return {
      ok: false,
      problem: "must be an address, a slash and a prefix length such as 10.0.0.0/24 or 2001:db8::/32",
    };
  }
  const width = address.family === 4 ? 32 : 128;
  const prefixBits = cidr.slice(slash + 1);
  if (!/^\d{1,3}$/.test(prefixBits) || Number(prefixBits) >= width) {
    return {
      ok: false,
      problem: `must have an IPv${address.family} prefix length of 0 to ${width - 1}; write a single address as plain text`,
    };
  }
  const hostBits = BigInt(width - Number(prefixBits));
  return { ok: true, value: { family: address.family, leading: address.bits >> hostBits, hostBits } };
}

/** Whether the text is an address of the network. Text that is no address is in none. */
export function isInIpRange(range: IpRange, text: string): boolean {
  const address = readAddress(text);
  return address?.family === range.family && address.bits >> range.hostBits === range.leading;
}

function readAddress(text: string): IpAddress | undefined {
  if (text.length > MAX_ADDRESS_CHARACTERS) return undefined;
  if (!text.includes(":")) return ipv4Of(text);
  const bits = ipv6BitsOf(text);
  if (bits === undefined) return undefined;
  // ::ffff:10.0.0.1 is how a dual-stack socket writes 10.0.0.1.
  return bits >> 32n === 0xffffn ? { family: 4, bits: bits & 0xffff_ffffn } : { family: 6, bits };
}

function ipv4Of(text: string): IpAddress | undefined {
  const octets = text.split(".");
  if (octets.length !== 4 || !octets.every(isOctet)) return undefined;
  return { family: 4, bits: octets.reduce((bits, octet) => (bits << 8n) | BigInt(octet), 0n) };
}

// No leading zeros: some readers take them for octal, so the address would mean different hosts to different readers.
function isOctet(text: string): boolean {
  return /^(?:0|[1-9]\d{0,2})$/.test(text) && Number(text) <= 255;
}

function ipv6BitsOf(text: string): bigint | undefined {
  const [start = "", end, ...more] = text.split("::");
  const head = groupsOf(start, end === undefined);
  const tail = groupsOf(end ?? "", true);
  if (head === undefined || tail === undefined || more.length > 0) return undefined;
  const zeros = 8 - head.length - tail.length;
  if (end === undefined ? zeros !== 0 : zeros < 1) return undefined;
  return [...head, ...Array<bigint>(zeros).fill(0n), ...tail].reduce((bits, group) => (bits << 16n) | group, 0n);
}

/** The 16-bit groups of one side of `::`; only the end of the address may be written as IPv4. */
function groupsOf(text: string, isEnd: boolean): bigint[] | undefined {
  if (text === "") return [];
  const groups: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const ipv4 = isEnd && index === parts.length - 1 ? ipv4Of(part) : undefined;
    if (ipv4 !== undefined) groups.push(ipv4.bits >> 16n, ipv4.bits & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}
