import { expect, it } from "vitest";
import {
  compareRecords,
  LEASE_MARGIN_MS,
  MAX_LAPSES,
  MIN_LAPSING_MS,
  recordPlaceOf,
  SEND_MARGIN_MS,
} from "../../../shared/domain/deliveries/delivery.ts";
import { REMEMBERED_ATTEMPTS } from "../../../shared/domain/deliveries/ledger-rules.ts";
import { MAX_MESSAGE_BACKOFF_MS } from "../../../shared/domain/deliveries/settle-attempt.ts";
import { aRecord } from "../../support/stored-events.ts";

// Golden: what operators read of leases and of giving up, and what messages in flight were made with.
it("the limits of a delivery stay what they are", () => {
  expect({ LEASE_MARGIN_MS, SEND_MARGIN_MS, MAX_MESSAGE_BACKOFF_MS }).toEqual({
    ...{ LEASE_MARGIN_MS: 5_000, SEND_MARGIN_MS: 2_000, MAX_MESSAGE_BACKOFF_MS: 30_000 },
  });
  expect({ MAX_LAPSES, MIN_LAPSING_MS, REMEMBERED_ATTEMPTS }).toEqual({
    ...{ MAX_LAPSES: 20, MIN_LAPSING_MS: 900_000, REMEMBERED_ATTEMPTS: 8 },
  });
});

it("a record's place has its sequence where it has one, and nothing else of the record", () => {
  const { t0, eventKey, payloadHash } = aRecord();
  expect(recordPlaceOf(aRecord())).toStrictEqual({ t0, eventKey, payloadHash });
  expect(recordPlaceOf(aRecord({ sequence: 3 }))).toStrictEqual({ t0, eventKey, payloadHash, sequence: 3 });
  expect(compareRecords(recordPlaceOf(aRecord()), aRecord())).toBe(0);
});
