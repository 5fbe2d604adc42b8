import type { Claim, ClaimRequest, Close, LedgerEntry } from "../domain/deliveries/delivery.ts";
import { claimAgainst, closeAgainst, closedAlready, isFirstClaim } from "../domain/deliveries/ledger-rules.ts";
import { isUnreadable } from "../domain/deliveries/unreadable-entry.ts";
import { TurnoutError } from "../domain/errors.ts";
import { distinctBy, type Item, keyText, readItems } from "../dynamodb/dynamodb-batches.ts";
import { executeStatements } from "../dynamodb/dynamodb-statements.ts";
import type { DeliveryLedger } from "./delivery-ledger.ts";
import { dueDeliveries } from "./dynamodb-due.ts";
import { insertEntry, removeFirstClaim, replaceEntry, replaceUnreadable } from "./dynamodb-event-requests.ts";
import type { EventTableAccess } from "./dynamodb-event-table.ts";
import { decodeEntry, entryKey } from "./entry-codec.ts";

/**
 * How often a write is made on what was just read. Each time somebody else must have come in between, and what they
 * can do to one entry ends after two or three of their writes.
 */
const MAX_ROUNDS = 6;

/** Claims whose entries are remembered until they are closed: what 40 batches of 250 deliveries have under way. */
const REMEMBERED_CLAIMS = 10_000;

/**
 * The deliveries in DynamoDB. The rules are `claimAgainst` and `closeAgainst`, applied to what was read and written on
 * condition that nobody has changed it since:
 *
 *     claim   insert ── it's there ──> read, judge ── won ──> replace, if as read ── it isn't ──> read again …
 *     close   replace, if as our claim left it ── it isn't ──> read, judge ──> replace, if as read …
 *
 * An answer that is lost leaves a doubt: the second try is refused by what the first one did. Then the claim is known
 * by its owner, and the close by what it wrote.
 */
export function dynamodbLedger(
  access: EventTableAccess,
): Pick<DeliveryLedger, "claim" | "release" | "close" | "reject" | "deliveries"> {
  const tableName = access.table.name;
  const due = dueDeliveries(access);
  const mine = rememberedClaims();

  async function itemsOf(deliveryKeys: readonly string[]): Promise<(Item | undefined)[]> {
    const keys = deliveryKeys.map(entryKey);
    const found = await readItems(access, keys);
    return keys.map((key) => found.get(keyText(key)));
  }

  async function read(deliveryKeys: readonly string[]): Promise<(LedgerEntry | undefined)[]> {
    return (await itemsOf(deliveryKeys)).map((item) => item && decodeEntry(item));
  }

  return {
    async claim(requests, owner, now) {
      const claims: Claim[] = [];
      let open = requests.map((request, index): OpenClaim => ({ request, index }));
      for (let round = 1; open.length > 0; round++) {
        if (round > MAX_ROUNDS) {
          for (const { request, index } of open) claims[index] = contended(request, now);
          break;
        }
        // The first time as if nothing were there: so it is with nearly all.
        const writes = open.flatMap((one) => {
          const { claim, entry } = claimAgainst(one.before, one.request, owner, now);
          claims[one.index] = claim;
          if (entry !== undefined) return [{ ...one, entry }];
          if (claim.won && one.before !== undefined) mine.remember(one.before);
          return [];
        });
        // Before the entry that says so: a crash between the two leaves an item too many, which is found out, and not
        // one too few. Nearly no claim has a `dueAt`.
        await due.note(writes.map(({ entry }) => entry));
        const results = await executeStatements(
          access,
          writes.map(({ before, unreadable, entry }) => {
            if (unreadable !== undefined) return replaceUnreadable(tableName, unreadable, entry);
            return before === undefined ? insertEntry(tableName, entry) : replaceEntry(tableName, before, entry);
          }),
        );
        const refused = writes.filter(({ entry }, n) => {
          if (results[n]?.applied === true) mine.remember(entry);
          return results[n]?.applied !== true;
        });
        const found = await itemsOf(refused.map(({ request }) => request.deliveryKey));
        open = refused.map(({ request, index }, n) => ({ request, index, ...asFound(found[n]) }));
      }
      return claims;
    },

    async release(deliveryKeys, owner) {
      const keys = [...new Set(deliveryKeys)];
      const unknown = keys.filter((deliveryKey) => mine.of(deliveryKey) === undefined);
      const found = await read(unknown);
      const entries = [...keys.map(mine.of), ...found].filter((entry) => entry !== undefined);
      const removals = entries
        .filter((entry) => isFirstClaim(entry, owner))
        .map(({ deliveryKey, attempt }) => {
          mine.forget(deliveryKey);
          return removeFirstClaim(tableName, deliveryKey, owner, attempt);
        });
      // One that has changed since refuses, and stays.
      await executeStatements(access, removals);
    },

    async close(closes) {
      const taken = closes.map(() => false);
      let open = closes.map((close, index) => ({ close, index, inDoubt: false, before: mine.take(close) }));
      // What an earlier process claimed, or what was accepted.
      let unread = open.filter(({ before }) => before === undefined);
      for (let round = 1; open.length > 0; round++) {
        if (round > MAX_ROUNDS) throw restless(tableName, open[0]?.close.deliveryKey ?? "");
        const found = await read(unread.map(({ close }) => close.deliveryKey));
        unread.forEach((one, n) => {
          one.before = found[n];
        });
        const writes = open.flatMap((one) => {
          const { before, close, inDoubt } = one;
          taken[one.index] = inDoubt && closedAlready(before, close);
          const entry = taken[one.index] ? undefined : closeAgainst(before, close);
          return before === undefined || entry === undefined ? [] : [{ ...one, before, entry }];
        });
        // Before the close, as in a claim.
        await due.note(writes.map(({ entry }) => entry));
        const results = await executeStatements(
          access,
          writes.map(({ before, entry }) => replaceEntry(tableName, before, entry)),
        );
        open = writes.flatMap(({ close, index, inDoubt }, n) => {
          taken[index] = results[n]?.applied === true;
          if (taken[index]) return [];
          return [{ close, index, inDoubt: inDoubt || results[n]?.inDoubt === true, before: undefined }];
        });
        unread = open;
      }
      return taken;
    },

    async reject(entries) {
      const distinct = distinctBy(entries.toReversed(), ({ deliveryKey }) => deliveryKey);
      // One that is there already stays as it is.
      await executeStatements(
        access,
        distinct.map((entry) => insertEntry(tableName, entry)),
      );
    },

    deliveries: read,
  };
}

/** A claim that isn't decided yet, with what was found of its delivery. */
type OpenClaim = { request: ClaimRequest; index: number } & Found;
type Found = { before?: LedgerEntry; unreadable?: Item };

/** One that can't be read is claimed as if nothing were there, and what is there is replaced. */
function asFound(item: Item | undefined): Found {
  if (item === undefined) return {};
  const entry = decodeEntry(item);
  return isUnreadable(entry) ? { unreadable: item } : { before: entry };
}

/** The entries of claims won here, so that their closes need no read. Bounded: what is pushed out is read after all. */
function rememberedClaims() {
  const entries = new Map<string, LedgerEntry>();
  return {
    remember(entry: LedgerEntry): void {
      entries.delete(entry.deliveryKey);
      entries.set(entry.deliveryKey, entry);
      if (entries.size <= REMEMBERED_CLAIMS) return;
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    },
    of: (deliveryKey: string): LedgerEntry | undefined => entries.get(deliveryKey),
    forget(deliveryKey: string): void {
      entries.delete(deliveryKey);
    },
    /** The entry as the claim of this very attempt left it. A claim is closed once: it is forgotten. */
    take({ deliveryKey, attempt }: Close): LedgerEntry | undefined {
      const entry = entries.get(deliveryKey);
      if (entry?.attempt !== attempt) return undefined;
      entries.delete(deliveryKey);
      return entry;
    },
  };
}

/** Others have changed the entry each time between a read and a write: whoever did so last has it. */
function contended({ leaseMs }: ClaimRequest, now: Date): Claim {
  return { won: false, why: "claimed by another", retryAt: new Date(now.getTime() + leaseMs) };
}

function restless(tableName: string, deliveryKey: string): TurnoutError {
  return new TurnoutError(
    "failed",
    `The delivery ${deliveryKey} could not be closed: its entry in the DynamoDB table '${tableName}' was changed by ` +
      `others ${MAX_ROUNDS} times in a row. It will be tried again when its lease ends.`,
  );
}
