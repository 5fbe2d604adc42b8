import type { Send } from "../../shared/targets/target.ts";
import { anOrdersKey } from "../support/builders.ts";

/** A send of the tests' component, of which a test says what it is about. */
export function aSend(about: Partial<Send> & Pick<Send, "address">): Send {
  return {
    component: "mailer",
    alias: "stable",
    invocation: { kind: "sync" },
    worker: { concurrency: 1, memoryMb: 128, environment: {} },
    subject: {},
    payload: '{"id":"event-1","detail":{}}',
    idempotencyKey: anOrdersKey("order-1"),
    lapses: 0,
    requestId: "request-1",
    timeoutMs: 5_000,
    latestStart: new Date(Date.now() + 60_000),
    ...about,
  };
}
