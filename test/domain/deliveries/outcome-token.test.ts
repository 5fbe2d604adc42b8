import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTokenOf, outcomeToken } from "../../../shared/domain/deliveries/outcome-token.ts";

const owner = "0b1f4c7e-6a51-4c0f-9d3e-2f0a5f4b8c11";
const scope = {
  deliveryKey: `mailer#${"a".repeat(64)}#live`,
  attempt: 1,
  functionArn: "arn:aws:lambda:eu:1:function:m",
};

describe("the token of an attempt", () => {
  // Golden: another value here refuses the outcomes of everything that is on its way.
  it("stays what it is, and is its own", () => {
    const token = outcomeToken(owner, scope);
    expect(token).toBe("59vzBm4IUNgrFDeUvdB_wcSieYkgB47cOfQP9qQ5UiQ");
    expect(isTokenOf(token, owner, scope)).toBe(true);
  });

  it("is another one whenever owner, delivery, attempt or function is another one", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "#", '"', ",", "1"), maxLength: 3 });
    const named = fc.tuple(text, fc.record({ deliveryKey: text, attempt: fc.nat(11), functionArn: text }));
    fc.assert(
      fc.property(named, named, (a, b) => {
        expect(isTokenOf(outcomeToken(...a), ...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it("is nothing that somebody makes up, of whatever length", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(isTokenOf(text, owner, scope)).toBe(false);
      }),
    );
  });
});
