import { expect, it } from "vitest";
import { examineLaptops } from "../../shared/installation/examine-laptops.ts";
import { aLease } from "../contracts/laptop-store.contract.ts";

const examine = (leases: ReturnType<typeof aLease>[], at: string) => {
  const laptops = { leases: async () => leases };
  return examineLaptops({ laptops: laptops as never }, new Date(at));
};

it("a laptop that listens is in order, and one that was killed leaves rules, with the change to take back", async () => {
  const lease = aLease({ revision: 28 });
  const [listens] = await examine([lease], "2026-11-20T10:00:44.000Z");
  expect(listens).toMatchObject({ check: "laptop-ada of mailer", status: "ok" });
  expect(listens?.found).toBe("ada on one listens; the lease is held until 2026-11-20T10:00:45.000Z");
  const [gone] = await examine([lease], "2026-11-20T10:00:45.000Z");
  expect(gone).toMatchObject({ status: "warning", remedies: [{ operation: "revert change", revision: 28 }] });
  expect(gone?.found).toMatch(/^laptop lease lapsed 10:00:45; .* by rules that ada on one has left$/);
});

it("a laptop that handed everything back leaves nothing to tell", async () => {
  expect(await examine([aLease({ revision: 28, ended: true }), aLease()], "2026-11-20T11:00:00.000Z")).toEqual([]);
});
