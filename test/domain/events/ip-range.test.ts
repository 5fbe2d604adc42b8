import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isInIpRange, readIpRange } from "../../../shared/domain/events/ip-range.ts";

/** An address as its bits, and how it is written. */
type Family = { width: number; written: (bits: bigint) => string };

const ipv4: Family = { width: 32, written: (bits) => groups(bits, 4, 8, 10).join(".") };
const ipv6: Family = { width: 128, written: (bits) => groups(bits, 8, 16, 16).join(":") };
const asMapped = (bits: bigint) => `::ffff:${ipv4.written(bits)}`;

function groups(bits: bigint, count: number, each: number, radix: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    BigInt.asUintN(each, bits >> BigInt((count - 1 - index) * each)).toString(radix),
  );
}

function isIn(address: string, cidr: string): boolean {
  const range = readIpRange(cidr);
  if (!range.ok) throw new Error(`${cidr} ${range.problem}`);
  return isInIpRange(range.value, address);
}

describe("a network of IP addresses", () => {
  it.each([
    ["IPv4", ipv4.written, ipv4],
    ["IPv6", ipv6.written, ipv6],
    ["IPv4 as a dual-stack socket writes it", asMapped, ipv4],
  ])("a network of %s has the addresses whose leading bits are its own", (_, written, { width, written: plain }) => {
    // An address that isn't IPv4's in disguise.
    const first = width === 128 ? 1n << 120n : 0n;
    const bits = fc.bigInt({ min: first, max: (1n << BigInt(width)) - 1n });
    fc.assert(
      fc.property(bits, fc.nat(width - 1), fc.nat(width - 1), (net, prefix, flipped) => {
        // The bit at `flipped`, counted from the front, is of the network if it comes before the prefix's end.
        const other = net ^ (1n << BigInt(width - 1 - flipped));
        fc.pre(other >= first);
        for (const cidr of [`${plain(net)}/${prefix}`, `${written(net)}/${prefix}`]) {
          expect(isIn(written(net), cidr)).toBe(true);
          expect(isIn(written(other), cidr)).toBe(flipped >= prefix);
          expect(isIn(plain(other), cidr)).toBe(flipped >= prefix);
        }
      }),
    );
  });

  it("a network of one family has no address of the other", () => {
    const any = fc.bigInt({ min: 0n, max: 0xffff_ffffn });
    fc.assert(
      fc.property(any, (bits) => {
        expect(isIn(ipv4.written(bits), "::/0")).toBe(false);
        expect(isIn(asMapped(bits), "::/0")).toBe(false);
        expect(isIn(`::${ipv4.written(bits)}`, "0.0.0.0/0")).toBe(false);
      }),
    );
  });

  it.each([
    "",
    "/8",
    "10.0.0.0",
    "10.0.0/8",
    "10.0.0.010/8",
    "10.0.0.0 /8",
    "1::2::3/8",
    "fe80::1%eth0/64",
    "127.0.0.1\0/8",
  ])("refuses %j", (cidr) => {
    expect(readIpRange(cidr)).toMatchObject({ ok: false, problem: expect.stringContaining("must be an address") });
  });

  it.each(["10.0.0.0/32", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/1e1", "::/128", "::ffff:10.0.0.0/32"])(
    "refuses the prefix length of %s",
    (cidr) => {
      expect(readIpRange(cidr)).toMatchObject({ ok: false, problem: expect.stringContaining("prefix length") });
    },
  );

  it("finds an IPv4 address with leading zeros, which are decimal as on EventBridge, but takes none in a network", () => {
    const found = ["010.0.0.1", "10.000.0.0001", "0000010.0.0.1", "10.0.0.08"].map((text) => isIn(text, "10.0.0.0/8"));
    expect(found).toEqual([true, true, true, true]);
    expect(
      ["8.0.0.1", "010.0.0", "10.0.0.0256", "0x10.0.0.1", "010.0.0.1 "].map((text) => isIn(text, "10.0.0.0/8")),
    ).toEqual([false, false, false, false, false]);
    expect(isIn("::ffff:010.0.0.1", "10.0.0.0/8")).toBe(false);
  });

  it("has no address of a zone, which means something on its own machine only", () => {
    expect([isIn("fe80::1", "fe80::/10"), isIn("fe80::1%eth0", "fe80::/10")]).toEqual([true, false]);
  });

  it("finds any text in none, and doesn't throw", () => {
    const addressLike = fc.stringMatching(/^[0-9a-fA-F:.%/]{0,50}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), addressLike), addressLike, (text, cidr) => {
        const range = readIpRange(cidr);
        expect(isIn(text, "10.0.0.0/8") && isIn(text, "2001:db8::/32")).toBe(false);
        return range.ok || range.problem.startsWith("must");
      }),
    );
  });
});
