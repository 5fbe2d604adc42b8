import type { StoredEvents } from "../../shared/event-store/event-store.ts";

/** An event store in which nothing has arrived. */
export const noEvents: StoredEvents = {
  async *records() {},
  deliveriesOf: async () => new Map(),
};
