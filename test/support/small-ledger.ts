import type { Attempt, EventRecord, LedgerEntry } from "../../shared/domain/deliveries/delivery.ts";
import { deliveryKeyOf } from "../../shared/domain/deliveries/delivery-key.ts";
import { type CountSpan, type DeliveryCount, noCounts } from "../../shared/domain/health/delivery-count.ts";
import type { TimeWindow } from "../../shared/domain/text/time-window.ts";
import { anEntry, aRecord } from "./stored-events.ts";

/** A delivery to the mailer as the ledger has it: by default version 2's behind beta, done at once. */
export type Delivered = {
  sent: Date;
  ran?: Date;
  version?: string;
  alias?: string;
  component?: string;
  outcome?: Attempt["outcome"];
  durationMs?: number;
  customer?: string;
  type?: string;
  record?: Partial<EventRecord>;
  entry?: Partial<LedgerEntry>;
};

/** A ledger of these, one event each, by number; and what was asked of it. */
export function smallLedger(deliveries: readonly Delivered[], counts: readonly Partial<DeliveryCount>[] = []) {
  const all = deliveries.map((delivered, n): [EventRecord, LedgerEntry] => {
    const { sent, ran = sent, version = "2", alias = "beta", component = "mailer", outcome = "done" } = delivered;
    const { durationMs, customer = "acme", type = "order placed" } = delivered;
    const eventKey = `event-${n}`;
    const first = { attempt: 1, at: ran, outcome, version, ...(durationMs !== undefined && { durationMs }) };
    const subject = { customer };
    const about = { t0: sent, eventKey, subject, detailType: type, components: [component], ...delivered.record };
    return [aRecord(about), anEntry({ eventKey, t0: sent, alias, component, attempts: [first], ...delivered.entry })];
  });
  const asked = {
    records: [] as (TimeWindow & { most: number })[],
    counts: [] as (TimeWindow & { span: CountSpan })[],
  };
  const key = { component: "mailer", version: "2", alias: "beta", type: "order placed" };
  const counted = counts.map((count): DeliveryCount => ({ ...noCounts(), ...key, at: new Date(0), ...count }));
  return {
    asked,
    async *records({ from, to }: TimeWindow, _: Date, most = 500) {
      asked.records.push({ from, to, most });
      const found = all.flatMap(([record]) => (record.t0 >= from && record.t0 < to ? [record] : []));
      for (let n = 0; n < found.length; n += most) yield found.slice(n, n + most);
    },
    async deliveries(keys: readonly string[]) {
      const known = new Map(all.map(([, entry]) => [entry.deliveryKey, entry]));
      return keys.map((one) => known.get(one));
    },
    async deliveriesOf(keys: readonly string[]) {
      const entries = all.map(([, entry]) => entry).filter(({ eventKey }) => keys.includes(eventKey));
      return Map.groupBy(entries, ({ eventKey }) => eventKey);
    },
    async counts({ from, to }: TimeWindow, span: CountSpan) {
      asked.counts.push({ from, to, span });
      return { counts: counted.filter(({ at }) => at >= from && at < to), dropped: 0 };
    },
    keyOf: (n: number) => deliveryKeyOf("mailer", `event-${n}`, "live"),
  };
}
