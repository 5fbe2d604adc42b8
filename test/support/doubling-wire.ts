import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A wire to a server on loopback, on which the answer to a request that has such a text comes twice. */
export async function doublingWire(endpoint: string, request: RegExp): Promise<string> {
  const sockets = new Set<Socket>();
  const { hostname, port } = new URL(endpoint);
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let isTwice = false;
    near.on("data", (bytes) => {
      isTwice ||= request.test(bytes.toString("latin1"));
      far.write(bytes);
    });
    far.on("data", (bytes) => {
      near.write(bytes);
      if (isTwice) near.write(bytes);
      isTwice = false;
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => {}).on("close", () => other.destroy());
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
