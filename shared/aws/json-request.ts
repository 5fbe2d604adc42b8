import { type Credentials, requestSigner } from "./sign-request.ts";

/** A service that speaks AWS's JSON protocol, as its API reference has it. */
export type JsonService = {
  /** What its requests are signed for, such as `sqs`. */
  name: string;
  /** What its host begins with, where that isn't the name. */
  host?: string;
  /** What its operations' names begin with in `X-Amz-Target`. */
  target: string;
  version: "1.0" | "1.1";
};

export type JsonRequesting = {
  credentials: () => Promise<Credentials>;
  /** Default: the service's own in the region. */
  endpoint?: string | undefined;
  /** AWS's partition, the second part of ARNs. */
  partition: string;
  region: string;
};

/** Asks for one operation. @throws AwsFailure when the service refuses, and whatever `fetch` throws */
export type JsonRequest = (operation: string, input: object, signal: AbortSignal) => Promise<Record<string, unknown>>;

/** What a service answered instead of a result. Its name and metadata are as the SDK's errors have them. */
export class AwsFailure extends Error {
  readonly $metadata: { httpStatusCode: number; requestId?: string };

  constructor(type: string, message: string, metadata: { httpStatusCode: number; requestId?: string }) {
    super(message);
    this.name = type;
    this.$metadata = metadata;
  }
}

/**
 * Requests that are signed here, for which no client of the SDK has to be loaded. They aren't repeated.
 */
export function jsonRequest(service: JsonService, about: JsonRequesting): JsonRequest {
  const { credentials, endpoint, partition, region } = about;
  const domain = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  const url = new URL(endpoint ?? `https://${service.host ?? service.name}.${region}.${domain}/`);
  const sign = requestSigner(service.name, region);

  return async (operation, input, signal) => {
    const request = {
      method: "POST",
      path: "/",
      headers: {
        host: url.host,
        "content-type": `application/x-amz-json-${service.version}`,
        "x-amz-target": `${service.target}.${operation}`,
      },
      body: JSON.stringify(input),
    };
    sign(request, await credentials(), new Date());
    const { host: _, ...headers } = request.headers as Record<string, string>;
    const response = await fetch(url, { method: request.method, headers, body: request.body, signal });
    const answer: unknown = await response.json().catch(() => undefined);
    if (response.ok) return { ...(answer as Record<string, unknown> | undefined) };
    const { __type, message, Message } = { ...(answer as Record<string, unknown> | undefined) };
    const type = typeof __type === "string" ? __type.split("#").at(-1) : undefined;
    const requestId = response.headers.get("x-amzn-requestid");
    throw new AwsFailure(type ?? `status ${response.status}`, String(message ?? Message ?? "no message"), {
      httpStatusCode: response.status,
      ...(requestId !== null && { requestId }),
    });
  };
}
