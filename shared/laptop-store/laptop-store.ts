import type { InboxItem } from "../domain/deliveries/inbox-item.ts";
import type { LaptopLease } from "../domain/routing/laptop-lease.ts";

/** The inbox of one alias. */
export type Inbox = Pick<InboxItem, "component" | "alias">;

/**
 * Who listens on a laptop, and what waits for them. Made for some dozens of laptops.
 * @throws NewerLayout from each read of what a newer Turnout has written, which is left as it is
 */
export interface LaptopStore {
  /** All of them, as the last answered write left them. One that can't be read has lapsed, and is nobody's. */
  leases(): Promise<LaptopLease[]>;
  /**
   * Stores a lease if the stored one still has the lock of this one, 0 standing for none; the stored lock is one more.
   * @returns what is stored now, or undefined when it has changed since and nothing was changed. A store that has to
   * repeat its own request, because the answer was lost, answers as that first request did.
   */
  putLease(lease: LaptopLease): Promise<LaptopLease | undefined>;
  /** Forgets a lease that still has this lock. */
  removeLease(lease: LaptopLease): Promise<void>;
  /** Puts an attempt into its alias's inbox, durably; the same one again changes nothing. */
  deliver(item: InboxItem): Promise<void>;
  /** At most `limit` of what waits there, those that came first first. One that can't be read is removed. */
  inbox(inbox: Inbox, limit: number): Promise<InboxItem[]>;
  /** Removes these, as far as they are there. */
  remove(items: readonly InboxItem[]): Promise<void>;
}
