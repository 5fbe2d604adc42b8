import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Publishes to a running server, ten events a request, on a few connections; what a busy service would do. */
export type LoadResult = { accepted: number; seconds: number };

/**
 * @param perSecond events per second, evenly spread; undefined sends as fast as the server answers
 * @param entry makes the n-th event's PutEvents entry
 */
export async function publishLoad(
  url: string,
  total: number,
  entry: (n: number) => object,
  options: { connections: number; perSecond?: number },
): Promise<LoadResult> {
  const start = performance.now();
  let next = 0;
  let accepted = 0;
  const { host, hostname, port } = new URL(url);
  const publisher = async () => {
    const socket = await opened(hostname, Number(port));
    try {
      while (next < total) {
        const first = next;
        next += 10;
        if (options.perSecond !== undefined) {
          const due = start + (first / options.perSecond) * 1_000 - performance.now();
          if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
        }
        const entries = Array.from({ length: Math.min(10, total - first) }, (_, index) => entry(first + index));
        const taken = await putEvents(socket, host, JSON.stringify({ Entries: entries }));
        accepted += taken;
      }
    } finally {
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: options.connections }, publisher));
  return { accepted, seconds: (performance.now() - start) / 1_000 };
}

async function opened(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true }).setEncoding("latin1");
  await once(socket, "connect");
  // Whoever waits for an answer is told that it was closed.
  return socket.on("error", () => {});
}

/**
 * One request of HTTP/1.1 on a connection that is kept. Written and read as it stands there, as Node's own client costs
 * as much again as the events' texts and the two calls of the system: a service in another language has none of that.
 */
function putEvents(socket: Socket, host: string, body: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let answer = "";
  const onData = (chunk: string) => {
    answer += chunk;
    const text = bodyOf(answer);
    if (text === undefined) return;
    const { Entries, message } = JSON.parse(text) as { Entries?: { EventId?: string }[]; message?: string };
    if (Entries === undefined) reject(new Error(`PutEvents: ${answer.slice(9, 12)} ${message}`));
    else resolve(Entries.filter(({ EventId }) => EventId !== undefined).length);
  };
  const onClose = () => reject(new Error("PutEvents: the server has closed the connection"));
  if (socket.destroyed) onClose();
  socket.on("data", onData).once("close", onClose);
  socket.write(
    `POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/x-amz-json-1.1\r\n` +
      `x-amz-target: AWSEvents.PutEvents\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  return promise.finally(() => socket.off("data", onData).off("close", onClose));
}

/** The body of an answer, once it is there whole. */
function bodyOf(answer: string): string | undefined {
  const end = answer.indexOf("\r\n\r\n");
  const length = /\r\ncontent-length: (\d+)\r\n/i.exec(answer)?.[1];
  if (end < 0 || length === undefined || answer.length < end + 4 + Number(length)) return undefined;
  return Buffer.from(answer.slice(end + 4), "latin1").toString();
}
