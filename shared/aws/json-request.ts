import { keptConnections } from "./kept-connections.ts";
import { exchange } from "./sdk-exchange.ts";
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

/** Asks for one operation. @throws AwsFailure when the service refuses; the signal's reason; Error when no answer came */
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

/** Of all services and regions. */
const connections = keptConnections();

/**
 * Requests that are signed here, for which no client of the SDK has to be loaded. They aren't repeated.
 */
export function jsonRequest(service: JsonService, about: JsonRequesting): JsonRequest {
  const { credentials, endpoint, partition, region } = about;
  const domain = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  const url = new URL(endpoint ?? `https://${service.host ?? service.name}.${region}.${domain}/`);
  // An address of IPv6 stands in brackets.
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const to = { protocol: url.protocol, host, port: Number(url.port) || undefined, method: "POST", path: "/" };
  const sign = requestSigner(service.name, region);

  return async (operation, input, signal) => {
    const request = {
      ...to,
      headers: {
        host: url.host,
        "content-type": `application/x-amz-json-${service.version}`,
        "x-amz-target": `${service.target}.${operation}`,
      },
      body: JSON.stringify(input),
    };
    sign(request, await credentials(), new Date());
    const sent = exchange(connections, to, Object.entries(request.headers).flat(), request.body, signal);
    const { statusCode, headers, body } = await sent.catch((cause: Error) => {
      throw signal.aborted ? signal.reason : new Error(cause.message, { cause });
    });
    const answer = fieldsOf(body);
    if (statusCode < 300) return answer;
    const { __type, message, Message } = answer;
    const type = typeof __type === "string" ? __type.split("#").at(-1) : undefined;
    const requestId = headers["x-amzn-requestid"];
    throw new AwsFailure(type ?? `status ${statusCode}`, String(message ?? Message ?? "no message"), {
      httpStatusCode: statusCode,
      ...(typeof requestId === "string" && { requestId }),
    });
  };
}

/** None in what isn't JSON. */
function fieldsOf(body: Buffer): Record<string, unknown> {
  try {
    return { ...JSON.parse(body.toString()) };
  } catch {
    return {};
  }
}
