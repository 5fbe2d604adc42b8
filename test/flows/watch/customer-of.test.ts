import { expect, it } from "vitest";
import { customerName, customerOf } from "../../../shared/flows/watch/customer-of.ts";
import { ownedUpTo } from "../../../shared/flows/watch/owned-up-to.ts";

it("a failure is its customer's, else its project's, else its user's, and told by that name", () => {
  const of = (subject: Parameters<typeof customerOf>[0]["subject"]) => customerName(customerOf({ subject }));
  expect(of({ user: "ada", project: "site", customer: "acme" })).toBe("acme");
  expect(of({ user: "ada", project: "site" })).toBe("site");
  expect(of({ user: "ada" })).toBe("ada");
  expect(of({ plan: "paid" })).toBe("nobody in particular");
  expect(customerName("as it was stored once")).toBe("as it was stored once");
  expect(customerName("{}")).toBe("{}");
});

it("a version that says nothing of itself is the only one that its alias has had, if that can be told", () => {
  const one = (version: string, alias = "beta") => ({ version, alias });
  expect(ownedUpTo([one(""), one("2")], [])).toEqual([one("2"), one("2")]);
  expect(ownedUpTo([one("")], [{ alias: "beta", version: "3" }])).toEqual([one("3")]);
  expect(ownedUpTo([one(""), one("2")], [{ alias: "beta", version: "2" }])).toEqual([one("2"), one("2")]);
  expect(ownedUpTo([one(""), one("2")], [{ alias: "beta", version: "3" }])[0]).toEqual(one(""));
  expect(ownedUpTo([one(""), one("2", "stable")], [{ alias: "stable", version: "3" }])[0]).toEqual(one(""));
  expect(ownedUpTo([one("")], [])).toEqual([one("")]);
});
