import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { MAX_DETAIL_DEPTH, nestsDeeperThan } from "../../shared/domain/events/event-entry.ts";
import { readExactJson } from "../../shared/domain/text/exact-json.ts";
import type { Read } from "../../shared/domain/text/schema.ts";
import { isJson, isText, readContentType } from "./content-type.ts";

/** The headers of a request, each with all its values. */
export type DistinctHeaders = IncomingMessage["headersDistinct"];

type Fields = Record<string, unknown>;

const PREFIX = "ce-";

/** Whether a request that has no media type of CloudEvents carries one in binary mode. */
export function isBinaryCloudEvent(headers: DistinctHeaders): boolean {
  return Object.keys(headers).some((name) => name.startsWith(PREFIX));
}

/**
 * A CloudEvent in binary mode (HTTP protocol binding 1.0.2, 3.1) as the JSON format would have it: attributes from the
 * `ce-` headers, `datacontenttype` from Content-Type, and the body as `data`. The body is parsed where it is JSON, or
 * nothing says what it is; text and XML are text; anything else is `data_base64`.
 */
export function fieldsOfBinary(headers: DistinctHeaders, body: Buffer): Read<Fields> {
  const fields: Fields = {};
  for (const [header, values = []] of Object.entries(headers)) {
    if (!header.startsWith(PREFIX)) continue;
    const name = header.slice(PREFIX.length);
    const [value = ""] = values;
    if (values.length > 1) return { ok: false, problem: `${name}: the header ${header} is given twice` };
    if (!/^[a-z0-9]+$/.test(name))
      return { ok: false, problem: `${header}: an attribute's name has letters and digits` };
    if (foreign.has(name)) return { ok: false, problem: `${name}: ${foreign.get(name)}, not in the header ${header}` };
    const text = attributeText(value);
    if (text === undefined) return { ok: false, problem: `${name}: the header ${header} isn't percent-encoded UTF-8` };
    fields[name] = text;
  }
  const [contentType] = headers["content-type"] ?? [];
  if (contentType !== undefined) fields.datacontenttype = contentType;
  const data = dataOf(contentType, body);
  return data.ok ? { ok: true, value: { ...fields, ...data.value } } : data;
}

const foreign = new Map([
  ["datacontenttype", "it belongs in Content-Type"],
  ["data", "it belongs in the body"],
]);

/**
 * The text of a header's value: quoted strings unquoted, then percent-decoded once, and what is then no UTF-8 refused
 * (3.1.3.2). Like WHATWG's URLs it leaves a `%` alone that two digits don't follow, and it takes UTF-8 as it is: the SDK
 * for Go encodes neither. Undefined: not UTF-8.
 */
function attributeText(header: string): string | undefined {
  const quoted = /^"(?:[^"\\]|\\.)*"$/s.test(header);
  const value = quoted ? header.slice(1, -1).replace(/\\(.)/gs, "$1") : header;
  const decoded = value.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  // Node reads headers as Latin-1: a character is a byte.
  const bytes = Buffer.from(decoded, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : undefined;
}

function dataOf(header: string | undefined, body: Buffer): Read<Fields> {
  const contentType = readContentType(header);
  if (body.length === 0) return { ok: true, value: {} };
  const asJson = header === undefined || isJson(contentType);
  if (!asJson && !isText(contentType)) return { ok: true, value: { data_base64: body.toString("base64") } };
  if (!isUtf8(body)) return { ok: false, problem: "data: not UTF-8" };
  const text = body.toString("utf8");
  if (!asJson) return { ok: true, value: { data: text } };
  if (nestsDeeperThan(text, MAX_DETAIL_DEPTH)) {
    return { ok: false, problem: `data: nested more than ${MAX_DETAIL_DEPTH} levels deep` };
  }
  const json = readExactJson(text);
  if (json.ok) return { ok: true, value: { data: json.value } };
  const said = header === undefined ? "it has to be where no Content-Type says what it is" : `as ${header} says it is`;
  return { ok: false, problem: `data: ${json.problem}; ${said}` };
}
