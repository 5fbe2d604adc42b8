import type { StoredEvents } from "../../shared/flows/preview-traffic.ts";

/** An event store in which nothing has arrived. */
export const noEvents: StoredEvents = {
  async *records() {},
  deliveriesOf: async () => new Map(),
};
