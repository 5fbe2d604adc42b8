import { type HttpAddress, TargetAddress } from "../../../shared/domain/routing/target-address.ts";
import type { Send } from "../../../shared/targets/target.ts";

const turnout = {
  component: "preview-server",
  alias: "stable",
  because: "default",
  fallback: false,
  idempotencyKey: "key-1",
  publisherKey: "order-7",
  generation: "live",
  attempt: 1,
  routingRevision: 3,
  subject: { customer: "acme" },
  replay: null,
};

/** An event as a target gets it, with a number that JavaScript can't hold. */
export const aPayload = `{"id":"event-1","source":"shop.example","detail-type":"order placed \\"Öl\\"",
  "time":"2026-11-20T10:00:00Z","resources":["order/7"],"detail":{"n":12345678901234567890,"text":"é💥"},
  "turnout":${JSON.stringify(turnout)}}`;

/** A send to a server on this machine. */
export function aSend(address: Partial<HttpAddress> & { url: string }, about: Partial<Send> = {}): Send {
  return {
    component: "preview-server",
    alias: "stable",
    address: TargetAddress.parse({ kind: "http", private: true, ...address }),
    invocation: { kind: "sync" },
    subject: { customer: "acme" },
    worker: { concurrency: 1, memoryMb: 128, environment: {} },
    payload: aPayload,
    idempotencyKey: "key-1",
    lapses: 0,
    requestId: "request-1",
    timeoutMs: 30_000,
    latestStart: new Date(Date.now() + 60_000),
    ...about,
  };
}
