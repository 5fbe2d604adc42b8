import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";

export type Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

/**
 * A path without empty or dotted segments, a query without repeated names, headers in lower case, and a body that is there
 * in full.
 */
export type SignableRequest = {
  method: string;
  path: string;
  query?: Record<string, string>;
  headers: Record<string, string>;
  body?: string | Uint8Array;
};

/** Puts the headers of a signature into a request. All headers that it has by then are signed. */
export type SignRequest = (request: SignableRequest, credentials: Credentials, at: Date) => void;

/**
 * Signature Version 4, as AWS describes it:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 *
 * The SDK's signer writes the same headers, for four times the CPU: it looks its key up by a hash, and imports it anew.
 */
export function requestSigner(service: string, region: string): SignRequest {
  const keyOf = signingKeys(service, region);

  return (request, credentials, at) => {
    const { headers } = request;
    const moment = at.toISOString().replace(/[-:]|\.\d{3}/g, "");
    const day = moment.slice(0, 8);
    const bodyHash = hash("sha256", request.body ?? "");
    headers["x-amz-date"] = moment;
    if (credentials.sessionToken) headers["x-amz-security-token"] = credentials.sessionToken;
    headers["x-amz-content-sha256"] = bodyHash;
    const names = Object.keys(headers).sort();
    const signedHeaders = names.join(";");
    const lines = names.map((name) => `${name}:${headers[name]?.replace(/[ \t]+/g, " ").trim()}\n`).join("");
    const canonical = `${request.method}\n${pathOf(request)}\n${queryOf(request)}\n${lines}\n${signedHeaders}\n${bodyHash}`;
    const scope = `${day}/${region}/${service}/aws4_request`;
    const signature = createHmac("sha256", keyOf(credentials.secretAccessKey, day))
      .update(`AWS4-HMAC-SHA256\n${moment}\n${scope}\n${hash("sha256", canonical)}`)
      .digest("hex");
    const credential = `${credentials.accessKeyId}/${scope}`;
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  };
}

/** The key of a day, remembered until another day or secret comes. */
function signingKeys(service: string, region: string): (secret: string, day: string) => KeyObject {
  let known: { secret: string; day: string; key: KeyObject } | undefined;
  return (secret, day) => {
    if (known?.secret !== secret || known.day !== day) {
      const derived = [day, region, service, "aws4_request"].reduce(
        (key, part) => createSecretKey(createHmac("sha256", key).update(part).digest()),
        createSecretKey(`AWS4${secret}`, "utf8"),
      );
      known = { secret, day, key: derived };
    }
    return known.key;
  };
}

/** Encoded once more than it is sent. */
function pathOf({ path }: SignableRequest): string {
  return path === "/" ? path : path.split("/").map(encoded).join("/");
}

function queryOf({ query = {} }: SignableRequest): string {
  const encodedQuery = Object.entries(query).map(([name, value]) => [encoded(name), encoded(value)] as const);
  // By the names alone: `a-b` comes after `a`, but `a-b=` before `a=`.
  return encodedQuery
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map((pair) => pair.join("="))
    .join("&");
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
