import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { startRuntime } from "../../scripts/embedded/runtime.ts";
import type { EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { type FuzzedInput, fuzzedInput } from "./fuzzed-input.ts";

export type FuzzRun = { home: string; inputs: number; seed: number; seconds: number };
export type FuzzResult = { sent: number; accepted: number; refused: number; problems: string[] };

/** Connections at once. */
const LANES = 24;

/** How long an answer may take; what is torn waits for the server's own time-out, or is hung up on. */
const PATIENCE_MS = 40_000;
const TORN_MS = 50;

type Sent = { input: FuzzedInput; n: number; status: number | undefined; body: string };

/** Sends the inputs to a server of its own, and holds what it stored against what it answered and what had to be. */
export async function fuzzFrontDoor({ home, inputs, seed, seconds }: FuzzRun): Promise<FuzzResult> {
  const problems: string[] = [];
  const troubles: unknown[] = [];
  const settings = { home, port: 0 };
  const runtime = await startRuntime({ settings, report: () => {}, onError: (error) => void troubles.push(error) });
  try {
    const random = seededRandom(seed);
    const until = performance.now() + seconds * 1_000;
    const sent: Sent[] = [];
    let next = 0;
    const lane = async () => {
      while (next < inputs && performance.now() < until) {
        const n = next++;
        const input = fuzzedInput(random, n, seed);
        sent.push({ input, n, ...(await exchange(runtime.port, input)) });
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    const health = await fetch(`${runtime.url}/healthz`);
    if (health.status !== 200) problems.push(`health answers ${health.status}: ${await health.text()}`);
    await atRest(runtime);
    const always = { from: new Date(0), to: new Date("9999-01-01") };
    const stored = (await Array.fromAsync(runtime.state.events.records(always, new Date()))).flat();
    const dead = await runtime.state.queue.depth(new Date());
    if (dead.dead > 0) problems.push(`${dead.dead} messages are in the dead-letter queue`);
    const said = troubles.map(String).filter((text) => !text.includes("published to the bus 'another'"));
    for (const trouble of said) problems.push(`the server said: ${trouble}`);
    problems.push(...differences(sent, stored));
    const refused = sent.filter(({ status }) => status !== undefined && status >= 400).length;
    return { sent: sent.length, accepted: stored.length, refused, problems };
  } finally {
    await runtime.close();
  }
}

/** What was stored that shouldn't be, what wasn't that should, and answers that don't fit either. */
function differences(sent: readonly Sent[], stored: readonly EventRecord[]): string[] {
  const found = new Map<string, number>();
  for (const { body } of stored) {
    const mark = /fuzz-\d+-\d+-\d+/.exec(body)?.[0] ?? `unknown: ${body.slice(0, 80)}`;
    found.set(mark, (found.get(mark) ?? 0) + 1);
  }
  const problems: string[] = [];
  for (const { input, n, status, body } of sent) {
    const what = `input ${n} (${input.kind}), answered ${status ?? "nothing"}`;
    if (status !== undefined && status >= 500) problems.push(`${what}: ${body.slice(0, 200)}`);
    const taken = input.marks.filter((mark) => found.get(mark) === 1);
    const answeredWell = status !== undefined && status < 300;
    // Whoever hangs up has no answer: all of it may have been taken, or nothing.
    if (
      input.hangsUp && status === undefined
        ? taken.length !== 0 && taken.length !== input.marks.length
        : taken.length !== input.marks.length
    ) {
      problems.push(`${what}: ${input.marks.length} events had to be taken, ${taken.length} were`);
    }
    if (input.mayTake && !input.hangsUp && !answeredWell) problems.push(`${what}: ${body.slice(0, 200)}`);
    if (!input.mayTake && answeredWell && /"EventId"|"eventId"/.test(body)) problems.push(`${what}: it was taken`);
    for (const mark of input.marks) found.delete(mark);
  }
  for (const [mark, count] of found) problems.push(`${mark} is stored ${count} times, and may not be`);
  return problems;
}

function exchange(port: number, input: FuzzedInput): Promise<Pick<Sent, "status" | "body">> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      // An answer to `100 Continue` comes before the answer.
      const final = text.split(/(?=HTTP\/1\.1 \d{3} )/).at(-1) ?? "";
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(final)?.[1];
      resolve({
        status: status === undefined ? undefined : Number(status),
        body: final.slice(final.indexOf("\r\n\r\n") + 4),
      });
    };
    const timer = setTimeout(finish, input.kind === "a torn body" || input.kind === "garbage" ? TORN_MS : PATIENCE_MS);
    socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    socket.on("error", finish).on("close", finish);
    void write(socket, input).then(() => {
      if (input.hangsUp) finish();
    });
  });
}

async function write(socket: Socket, { bytes, pieces }: FuzzedInput): Promise<void> {
  const size = Math.ceil(bytes.length / pieces);
  for (let at = 0; at < bytes.length; at += size) {
    if (socket.destroyed) return;
    await new Promise((written) => socket.write(bytes.subarray(at, at + size), written));
    if (pieces > 1) await delay(1);
  }
}

async function atRest({ state }: Awaited<ReturnType<typeof startRuntime>>): Promise<void> {
  for (;;) {
    const { visible, inFlight } = await state.queue.depth(new Date());
    if (visible + inFlight === 0) return;
    await delay(20);
  }
}
