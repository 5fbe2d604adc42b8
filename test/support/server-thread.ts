import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { onTestFinished } from "vitest";

/** How a connection ends: in good order, by a reset, or unheard of, so that a reset is the answer to the next request. */
export type Ending = "FIN" | "RST" | "silence";

export type ServerThread = {
  endpoint: string;
  /** Ends all connections, while this thread stands still: it hears of nothing until it next looks at its sockets. */
  endConnections(how: Ending): void;
  /** For each request so far, the client's port of the connection that it came over. */
  ports(): Promise<number[]>;
};

/** A server on a thread of its own, that answers every request as a service of AWS that has nothing to say. */
const SERVER = `
  const { once } = require("node:events");
  const { createServer } = require("node:http");
  const { parentPort, workerData: ended } = require("node:worker_threads");
  const [open, forgotten, ports] = [new Set(), new Set(), []];
  const server = createServer((request, response) => {
    if (forgotten.has(request.socket)) return void request.socket.resetAndDestroy();
    request.resume().on("end", () => {
      ports.push(request.socket.remotePort);
      response.writeHead(200, { "x-amz-executed-version": "7" }).end("{}");
    });
  });
  server.keepAliveTimeout = 0;
  server.on("connection", (socket) => open.add(socket.on("close", () => open.delete(socket))));
  server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
  parentPort.on("message", async (asked) => {
    if (asked === "ports") return parentPort.postMessage(ports);
    const closed = asked === "silence" ? [] : [...open].map((socket) => once(socket, "close"));
    for (const socket of open) {
      if (asked === "silence") forgotten.add(socket);
      else if (asked === "RST") socket.resetAndDestroy();
      else socket.destroy();
    }
    await Promise.all(closed);
    Atomics.store(ended, 0, 1);
    Atomics.notify(ended, 0);
  });
`;

export async function serverThread(): Promise<ServerThread> {
  const ended = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(SERVER, { eval: true, workerData: ended });
  onTestFinished(async () => void (await worker.terminate()));
  const [port] = await once(worker, "message");
  return {
    endpoint: `http://127.0.0.1:${port}`,
    endConnections(how) {
      worker.postMessage(how);
      Atomics.wait(ended, 0, 0);
      Atomics.store(ended, 0, 0);
    },
    async ports() {
      worker.postMessage("ports");
      const [ports] = await once(worker, "message");
      return ports;
    },
  };
}
