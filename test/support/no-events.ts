import type { StoredEvents } from "../../shared/flows/change/preview-traffic.ts";

/** An event store in which nothing has arrived. */
export const noEvents: StoredEvents = {
  async *records() {},
  deliveriesOf: async () => new Map(),
};
