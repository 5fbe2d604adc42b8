import { LAYOUT, NewerLayout } from "../domain/layout.ts";

/**
 * What an item of the event table says of its layout: each for itself, since they come and go within weeks, and nobody
 * has to ask for the number. One without it is of layout 2, and is read as those of layout 3 are.
 */
export type ItemLayout = { v: number };

export const itemLayout: ItemLayout = { v: LAYOUT };

/** @throws NewerLayout when a newer Turnout has written the item */
export function refuseNewerItem(item: Record<string, unknown>): void {
  const layout = Number(item.v ?? 0);
  if (layout > LAYOUT) throw new NewerLayout(`The item ${item.pk} ${item.sk} of the event table`, layout);
}
