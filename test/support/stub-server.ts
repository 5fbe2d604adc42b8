import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { onTestFinished } from "vitest";

/** A server on loopback for as long as the test runs. Returns its endpoint. */
export async function stubServer(answer: RequestListener): Promise<string> {
  const { endpoint, stop } = await startedStub(answer);
  onTestFinished(stop);
  return endpoint;
}

/** A server on loopback until it is stopped. */
export async function startedStub(answer: RequestListener): Promise<{ endpoint: string; stop: () => void }> {
  const server = createServer(answer);
  // Node closes what has been idle for 6 s, and a client that has no tries left may be writing to it just then.
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the stub has no port");
  return { endpoint: `http://127.0.0.1:${address.port}`, stop };
}
