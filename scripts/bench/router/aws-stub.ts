import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Requests and the bytes that came with them, headers included, by operation. */
export type Kinds = { [kind: string]: { requests: number; bytes: number } };

/** What the stub is told to do; it answers with what it has counted so far. */
export type StubOrder = {
  /** DynamoDB items that reads find, as the wire has them. */
  items?: readonly object[];
  /** How long DynamoDB and Lambda take to answer. */
  latency?: { storeMs: number; targetMs: number };
  /** Counts from zero again. */
  reset?: true;
};

export type AwsStub = { endpoint: string; order(order: StubOrder): Promise<Kinds>; stop(): Promise<void> };

/** Stands in for DynamoDB and Lambda, in a process of its own, so that its CPU is nobody else's. */
export async function startAwsStub(): Promise<AwsStub> {
  const server = fork(join(import.meta.dirname, "aws-stub-server.ts"));
  const exited = once(server, "exit");
  const [endpoint] = (await Promise.race([once(server, "message"), exited.then(startFailed)])) as [string];
  return {
    endpoint,
    async order(order) {
      const answer = await fetch(`${endpoint}/stub`, { method: "POST", body: JSON.stringify(order) });
      return (await answer.json()) as Kinds;
    },
    async stop() {
      server.disconnect();
      await exited;
    },
  };
}

function startFailed(): never {
  throw new Error("the stub ended before it listened; what it said is above");
}
