import type { MiddlewareObj } from "@middy/core";
import type { DeliveryReport } from "../shared/domain/deliveries/delivery-report.ts";
import { deadDeliveryNotice } from "../shared/domain/notices/dead-delivery-notice.ts";

/** Of an invocation that so many are told at most, as one request: where all fails, the alarm on what is dead rings. */
const MOST_TOLD = 10;

export type DeadNoticePorts = {
  /** Publishes events of Turnout's own, at most ten. */
  notify: (...events: string[]) => Promise<void>;
  /** Told of what could not be published. */
  onError: (error: unknown) => void;
};

/**
 * Tells the bus which deliveries an invocation has found dead, once it has done its work: nothing of that waits for it, or
 * fails with it. An environment of Lambda works on one invocation at a time.
 */
export function deadNotices({ notify, onError }: DeadNoticePorts) {
  let dead: string[] = [];
  async function tell(): Promise<void> {
    const told = dead;
    dead = [];
    if (told.length > 0) await notify(...told).catch(onError);
  }
  return {
    reported(delivery: DeliveryReport): void {
      const notice = dead.length < MOST_TOLD ? deadDeliveryNotice(delivery) : undefined;
      if (notice !== undefined) dead.push(notice);
    },
    told: (): MiddlewareObj => ({ after: tell, onError: tell }),
  };
}
