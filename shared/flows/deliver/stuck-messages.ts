import { LEASE_MARGIN_MS } from "../../domain/deliveries/delivery.ts";
import { HANDED_OUT_MS } from "../../event-queue/event-queue.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";

export type StuckPorts = {
  queue: { handedOutBefore(at: Date, visibilityMs: number, now: Date): Promise<number> };
  routingTable: Pick<RoutingTableReader, "components">;
};

/** Beyond the longest lease: for the store, and for batches that waited for their turn. */
const SLACK_MS = 30_000;

/**
 * Messages that have been in flight for longer than any component may take: nobody is at them any more, or what became of
 * them can't be written. They are not busy but stuck, until they come back by themselves.
 */
export async function stuckMessages({ queue, routingTable }: StuckPorts, now: Date): Promise<number> {
  const { components } = await routingTable.components();
  const longestMs = components.reduce((most, { timeoutMs }) => Math.max(most, timeoutMs), 0);
  const before = new Date(now.getTime() - longestMs - LEASE_MARGIN_MS - SLACK_MS);
  return queue.handedOutBefore(before, HANDED_OUT_MS, now);
}
