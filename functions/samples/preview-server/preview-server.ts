import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** Previews of deployments, once for each key; `domain` is the one that the event was posted to. */
export type Preview = { domain: string; project: string; environment: string };

export type PreviewServer = {
  /** Where each of its two domains takes events. */
  urls: { stable: string; beta: string };
  previews(): Preview[];
  close(): void;
};

/** Which build of the server answers at a domain. Both are this machine, under another name each. */
const BUILDS: Record<string, string> = { localhost: "preview-1", "127.0.0.1": "preview-2" };

/** A server that answers by domain, as those do that show every branch under a name of its own. */
export async function startPreviewServer(): Promise<PreviewServer> {
  const previews = new Map<string, Preview>();
  const server = createServer(async (request, response) => {
    const domain = request.headers.host?.replace(/:\d+$/, "") ?? "";
    const build = BUILDS[domain];
    if (build === undefined || request.method !== "POST") return void response.writeHead(404).end();
    const { detail } = JSON.parse(await textOf(request));
    const project = detail.repository.full_name;
    const { environment = "preview" } = detail.deployment ?? {};
    previews.set(String(request.headers["idempotency-key"]), { domain, project, environment });
    response.writeHead(202, { "turnout-version": build }).end();
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "localhost", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urls: { stable: `http://localhost:${port}/events`, beta: `http://127.0.0.1:${port}/events` },
    previews: () => [...previews.values()],
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
