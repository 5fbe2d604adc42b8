import type { EventBridgeClient, EventBridgeClientConfig } from "@aws-sdk/client-eventbridge";

/** Which EventBridge to talk to: one's own client, or where it is. */
export type Where =
  | {
      /** Whole requests are then also retried as it is set to: give it `maxAttempts: 1`. */
      client: Pick<EventBridgeClient, "send">;
    }
  | {
      /** Default: AWS. An embedded server's is `http://127.0.0.1:4600`; on this machine no credentials are asked for. */
      endpoint?: string | undefined;
      /** Default: as the SDK finds it, in `AWS_REGION` or a profile. */
      region?: string | undefined;
    };

/** The client that was given, or the SDK's own, which is loaded for it. */
export async function clientFor(where: Where): Promise<Pick<EventBridgeClient, "send">> {
  if ("client" in where) return where.client;
  const { EventBridgeClient } = await import("@aws-sdk/client-eventbridge");
  return new EventBridgeClient(clientConfig(where));
}

/** `endpoint` has to be a URL. */
function clientConfig({ endpoint, region }: Exclude<Where, { client: unknown }>): EventBridgeClientConfig {
  // Whoever retries entries retries requests too; both together would multiply.
  const config: EventBridgeClientConfig = { maxAttempts: 1, ...(region === undefined ? {} : { region }) };
  if (endpoint === undefined) return config;
  if (!isThisMachine(new URL(endpoint).hostname)) return { ...config, endpoint };
  const unread = "embedded";
  return { region: "local", ...config, endpoint, credentials: { accessKeyId: unread, secretAccessKey: unread } };
}

function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
