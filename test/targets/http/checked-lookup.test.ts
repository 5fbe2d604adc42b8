import type { LookupAddress } from "node:dns";
import { expect, it } from "vitest";
import { AddressRefused, addressProblem, checkedLookup } from "../../../shared/targets/http/checked-lookup.ts";

it.each([
  "0.0.0.0",
  "10.0.0.1",
  "100.64.0.1",
  "127.0.0.1",
  "127.255.255.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "192.0.2.1",
  "198.18.0.1",
  "198.51.100.1",
  "203.0.113.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:10.0.0.1",
  "::ffff:127.0.0.1",
  "64:ff9b::10.0.0.1",
  "2001:db8::1",
  "2002:7f00:1::",
  "fc00::1",
  "fd12:3456::1",
  "fec0::1",
  "ff02::1",
])("addressProblem refuses %s, unless private addresses are meant", (address) => {
  expect(addressProblem(address, false)).toMatch(/isn't an address of the public internet/);
  expect(addressProblem(address, true)).toBeUndefined();
});

it.each(["169.254.169.254", "169.254.0.1", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254"])(
  "addressProblem refuses %s, private or not",
  (address) => {
    for (const isPrivate of [false, true]) expect(addressProblem(address, isPrivate)).toMatch(/link-local/);
  },
);

it.each(["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])(
  "addressProblem lets %s be reached",
  (address) => expect(addressProblem(address, false)).toBeUndefined(),
);

/** What the lookup answers whoever connects. */
function found(host: string, allowsPrivate: boolean, all: boolean): Promise<string | LookupAddress[]> {
  return new Promise((resolve, reject) => {
    checkedLookup(allowsPrivate)(host, { all }, (error, address) => (error ? reject(error) : resolve(address)));
  });
}

it("checkedLookup answers with the addresses that it has checked, and with none that may not be", async () => {
  await expect(found("localhost", false, true)).rejects.toThrow(AddressRefused);
  await expect(found("localhost", false, false)).rejects.toThrow(
    /localhost: .* isn't an address of the public internet/,
  );
  expect(await found("localhost", true, false)).toMatch(/^(127\.0\.0\.1|::1)$/);
  expect(await found("localhost", true, true)).toEqual(
    expect.arrayContaining([{ address: expect.any(String), family: expect.any(Number) }]),
  );
});
