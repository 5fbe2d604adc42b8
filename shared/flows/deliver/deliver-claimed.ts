import type { Claim } from "../../domain/deliveries/delivery.ts";
import { requestIdOf } from "../../domain/deliveries/request-id.ts";
import type { AttemptResult, BroughtBackBy } from "../../domain/deliveries/settle-attempt.ts";
import { closeBuffer } from "./close-buffer.ts";
import type { Delivery, RouterPorts } from "./router-ports.ts";
import { forgetUnwanted, passOver, type Settled, type Settling, settle } from "./settle-delivery.ts";

/** Whose attempt it is, and what it is called in its version's log. */
export type AttemptNames = { owner: string; requestId: string };

/** Makes an attempt of a claimed delivery. Whatever goes wrong is in the result. */
export type Attempting = (
  ports: RouterPorts,
  delivery: Delivery,
  claimed: Claim & { won: true },
  names: AttemptNames,
) => Promise<AttemptResult>;

export type Delivering = {
  attempt: Attempting;
  owner: string;
  /** Who has a delivery tried again that isn't at rest; default: its message. */
  broughtBackBy?: (delivery: Delivery) => BroughtBackBy;
  /** Told of each as soon as it is stored. */
  onSettled?: (delivery: Delivery, settled: Settled, claim: Claim) => void;
};

/**
 * Sends what was claimed and closes it, all side by side. Answers per delivery what became of it, once each is stored.
 * @throws what the store throws, when every delivery has run to its end
 */
export async function deliverClaimed(
  ports: RouterPorts,
  deliveries: readonly Delivery[],
  claims: readonly Claim[],
  { attempt, owner, broughtBackBy = () => "message", onSettled }: Delivering,
): Promise<Settled[]> {
  const won = claims.filter((answer, index) => answer.won && !isUnwanted(deliveries[index], answer)).length;
  let uncounted = deliveries.length;
  let counted: Promise<void> = Promise.resolve();
  const settling: Settling = {
    close: closeBuffer(ports, won),
    // With the last outcome known, not with the last close written: the two requests then wait side by side.
    count(delivery) {
      ports.counter.add(delivery);
      uncounted -= 1;
      if (uncounted === 0) counted = ports.counter.settle();
    },
  };
  const deliver = async (delivery: Delivery, answer: Claim | undefined) => {
    if (answer === undefined) throw new Error(`the store answered no claim for ${delivery.request.deliveryKey}`);
    let settled: Settled;
    if (!answer.won) settled = await passOver(ports, delivery, answer, owner, settling);
    else if (isUnwanted(delivery, answer)) settled = await forgetUnwanted(ports, delivery, owner);
    else {
      const requestId = requestIdOf(delivery.request.deliveryKey, answer.attempt);
      const result = await attempt(ports, delivery, answer, { owner, requestId });
      const attempted = { result, requestId, broughtBackBy: broughtBackBy(delivery) };
      settled = await settle(ports, delivery, answer, attempted, settling);
    }
    onSettled?.(delivery, settled, answer);
    return settled;
  };
  // Every delivery runs to its end, also when another one's close fails: a send in flight must not be abandoned.
  const settled = await Promise.allSettled(deliveries.map((delivery, index) => deliver(delivery, claims[index])));
  await (uncounted === 0 ? counted : ports.counter.settle());
  return settled.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

/** Held until it was known, and now it is: the component doesn't want it. */
function isUnwanted(delivery: Delivery | undefined, answer: Claim & { won: true }): boolean {
  const refused = delivery?.route.refused?.type;
  return answer.untried === true && (refused === "NotListening" || refused === "NoComponent");
}
