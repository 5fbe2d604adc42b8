import { type Credentials, requestSigner } from "./sign-request.ts";

export type SecretReading = {
  credentials: () => Promise<Credentials>;
  /** Default: the service's own in the region of the secret. */
  endpoint?: string | undefined;
};

const TIMEOUT_MS = 3_000;

/**
 * The current text of a secret of AWS Secrets Manager, by its ARN: one request, signed here, for which no client of the SDK
 * has to be loaded. @throws Error in the service's words
 */
export async function secretValue(arn: string, { credentials, endpoint }: SecretReading): Promise<string> {
  const [, partition = "aws", , region = ""] = arn.split(":");
  const domain = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  const url = new URL(endpoint ?? `https://secretsmanager.${region}.${domain}/`);
  const request = {
    method: "POST",
    path: "/",
    headers: {
      host: url.host,
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "secretsmanager.GetSecretValue",
    },
    body: JSON.stringify({ SecretId: arn }),
  };
  requestSigner("secretsmanager", region)(request, await credentials(), new Date());
  const { host: _, ...headers } = request.headers as Record<string, string>;
  const { body, method } = request;
  const response = await fetch(url, { method, headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
  const answer: unknown = await response.json().catch(() => undefined);
  const { SecretString, __type, message, Message } = { ...(answer as Record<string, unknown> | undefined) };
  if (response.ok && typeof SecretString === "string") return SecretString;
  if (response.ok) throw new Error("it isn't text");
  const type = typeof __type === "string" ? __type.split("#").at(-1) : `status ${response.status}`;
  throw new Error(`Secrets Manager answered ${type}: ${String(message ?? Message ?? "no message")}`);
}
