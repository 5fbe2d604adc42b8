import { Agent, request } from "node:http";

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
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const start = performance.now();
  let next = 0;
  let accepted = 0;
  const publisher = async () => {
    while (next < total) {
      const first = next;
      next += 10;
      if (options.perSecond !== undefined) {
        const due = start + (first / options.perSecond) * 1_000 - performance.now();
        if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
      }
      const entries = Array.from({ length: Math.min(10, total - first) }, (_, index) => entry(first + index));
      const taken = await putEvents(url, agent, JSON.stringify({ Entries: entries }));
      accepted += taken;
    }
  };
  await Promise.all(Array.from({ length: options.connections }, publisher));
  agent.destroy();
  return { accepted, seconds: (performance.now() - start) / 1_000 };
}

function putEvents(url: string, agent: Agent, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "AWSEvents.PutEvents",
      "content-length": Buffer.byteLength(body),
    };
    const put = request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        const answer = JSON.parse(text) as { Entries?: { EventId?: string }[]; message?: string };
        if (answer.Entries === undefined) reject(new Error(`PutEvents: ${response.statusCode} ${answer.message}`));
        else resolve(answer.Entries.filter(({ EventId }) => EventId !== undefined).length);
      });
    });
    put.on("error", reject);
    put.end(body);
  });
}
