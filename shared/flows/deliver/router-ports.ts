import type { ClaimRequest } from "../../domain/deliveries/delivery.ts";
import type { DeliveryReport } from "../../domain/deliveries/delivery-report.ts";
import type { DeliveryLedger } from "../../event-store/delivery-ledger.ts";
import type { EventRecords } from "../../event-store/event-store.ts";
import type { Target } from "../../targets/target.ts";
import type { WritePorts } from "../kept-writes.ts";
import type { RoutingCache } from "../routing-cache.ts";
import type { DeliveryCounter } from "./count-deliveries.ts";
import type { RoutedDelivery, RoutedMessage } from "./route-message.ts";

/** What a router works with. Time, chance and identity come in from outside, so that a run can be repeated exactly. */
export type RouterPorts = WritePorts & {
  routing: RoutingCache;
  events: Pick<EventRecords, "record" | "find"> &
    Pick<DeliveryLedger, "deliveriesOf" | "claim" | "release" | "close" | "reject">;
  counter: DeliveryCounter;
  target: Target;
  newId: () => string;
  report: (report: DeliveryReport) => void;
  /** Told of an error that did no delivery any harm. */
  onError: (error: unknown) => void;
};

/** One event for one component, on its way. */
export type Delivery = { routed: RoutedMessage; route: RoutedDelivery; request: ClaimRequest };
