import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  attemptReference,
  deliveryMark,
  readAttemptReference,
  readTaskStarter,
  taskStarter,
} from "../../../shared/domain/deliveries/attempt-reference.ts";
import { deliveryKeyOf, eventKeyOf } from "../../../shared/domain/deliveries/delivery-key.ts";
import { outcomeToken } from "../../../shared/domain/deliveries/outcome-token.ts";

const anyAttempt = fc
  .record({
    key: fc.string(),
    generation: fc.constantFrom("live", "replay-20261120-102205-hxq"),
    attempt: fc.integer({ min: 1, max: 999_999 }),
    owner: fc.uuid(),
  })
  .map(({ key, generation, attempt, owner }) => {
    const eventKey = eventKeyOf("shop", "order placed", key);
    const deliveryKey = deliveryKeyOf("mailer", eventKey, generation);
    return { eventKey, deliveryKey, attempt, token: outcomeToken(owner, { deliveryKey, attempt, functionArn: "arn" }) };
  });

describe("an attempt's reference", () => {
  it("a reference is read as it was made, and is a name that Step Functions and ECS take", () => {
    fc.assert(
      fc.property(anyAttempt, fc.stringMatching(/^[\w-]{1,36}$/), (attempt, container) => {
        const reference = attemptReference(attempt);
        expect(reference).toMatch(/^[\w-]{1,80}$/);
        const { eventKey, deliveryKey, token } = attempt;
        const read = { eventKey, mark: deliveryMark(deliveryKey), attempt: attempt.attempt, token: token.slice(0, 22) };
        expect(readAttemptReference(reference)).toEqual(read);
        const starter = taskStarter(reference, container);
        expect(starter).toMatch(/^[\w/-]{1,128}$/);
        expect(readTaskStarter(starter)).toEqual({ ...read, container });
      }),
    );
  });

  it("other names are none", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readAttemptReference(text)).toBeUndefined();
        expect(readTaskStarter(`turnout/${text}/a`)).toBeUndefined();
      }),
    );
    expect(readTaskStarter("ecs-svc/1234")).toBeUndefined();
    const [attempt] = fc.sample(anyAttempt, 1);
    if (attempt !== undefined) expect(readTaskStarter(`another/${attemptReference(attempt)}/a`)).toBeUndefined();
  });
});
