import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { benchEmbedded, type EmbeddedFigures } from "./embedded-rate.ts";

/** In turns, so that whatever else the machine does meets all of them. */
const ROUNDS = 3;
const EVENTS = 5_000;

/** Takes everything, as a collector that keeps up. */
const taking: RequestListener = (request, response) => {
  request.resume().once("end", () => response.writeHead(200, { "content-type": "application/json" }).end("{}"));
};

/** The embedded server with OpenTelemetry on and off, with a collector that takes everything, and with one that answers nothing. */
export async function benchTelemetry(): Promise<void> {
  const collectors = { taking: createServer(taking), silent: createServer(() => {}) };
  try {
    const [on, down] = await Promise.all(
      Object.values(collectors).map(async (server) => {
        await once(server.listen(0, "127.0.0.1"), "listening");
        return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      }),
    );
    const ways: Record<string, NodeJS.ProcessEnv> = {
      off: {},
      on: { OTEL_EXPORTER_OTLP_ENDPOINT: on },
      "on, and the collector answers nothing": { OTEL_EXPORTER_OTLP_ENDPOINT: down },
    };
    const figures = new Map<string, EmbeddedFigures[]>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const [way, environment] of Object.entries(ways)) {
        figures.set(way, [...(figures.get(way) ?? []), await benchEmbedded(EVENTS, undefined, environment)]);
      }
    }
    console.log(`OpenTelemetry, ${EVENTS} events of 1 KB through the embedded server, ${ROUNDS} rounds`);
    for (const [way, rounds] of figures) {
      const each = rounds.map(({ perSecond, processorMsPerEvent }) =>
        [
          `${Math.round(perSecond)}/s`,
          ...(processorMsPerEvent ? [`${processorMsPerEvent.toFixed(3)} ms CPU`] : []),
        ].join(", "),
      );
      console.log(`  ${way}: ${each.join("; ")}`);
    }
  } finally {
    for (const server of Object.values(collectors)) {
      server.closeAllConnections();
      server.close();
    }
  }
}
