import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import type { Hono } from "hono";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { MAX_EVENT_BYTES } from "../../shared/domain/events/event.ts";
import { clauseOf } from "../../shared/installation/wording/remedy-text.ts";
import type { Intake } from "./accept-events.ts";
import { type Answer, amzError, json, NOT_UTF8, type Route } from "./answer.ts";
import { type DistinctHeaders, isBinaryCloudEvent } from "./binary-cloud-event.ts";
import {
  acceptBinaryCloudEvent,
  acceptCloudEvent,
  acceptCloudEventBatch,
  MAX_BATCH_BODY_BYTES,
  MAX_CLOUD_EVENT_BODY_BYTES,
} from "./cloud-events-http.ts";
import { consoleRoute, isOfConsole } from "./console-route.ts";
import { isJson, isReadAsUtf8, isText, readContentType } from "./content-type.ts";
import { PUT_EVENTS, putEvents } from "./put-events.ts";
import { MAX_PUT_EVENTS_BODY_BYTES } from "./read-put-events.ts";

export type Door = Intake & {
  health: () => Promise<object>;
  /** What is measured, in Prometheus' own format. Default: there is nothing of it. */
  metrics?: () => Promise<{ contentType: string; text: string }>;
  /** Opens the console. Default: there is none. */
  console?: () => Promise<Pick<Hono, "fetch">>;
};

/** `url` is what was asked for, whole; `path` what is before its question mark. */
type RequestHead = {
  method: string;
  url: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The headers with each as often as it came. Asked for where they are wanted: Node puts them together then. */
  distinct: () => DistinctHeaders;
};

const AMZ_JSON = "application/x-amz-json-1.1";
const CLOUD_EVENT = "application/cloudevents+json";
const CLOUD_EVENT_BATCH = "application/cloudevents-batch+json";
const howToPublish =
  `Publish with POST /: PutEvents of an AWS SDK (X-Amz-Target: ${PUT_EVENTS}), or CloudEvents, one in binary mode ` +
  `(ce- headers) or as Content-Type ${CLOUD_EVENT}, or several as ${CLOUD_EVENT_BATCH}.`;

/** Finds what answers a request by its head alone, so that nothing is read of a body that nobody wants. */
export function routeOf(head: RequestHead, door: Door): Route | Answer {
  const { method, path } = head;
  if (path === "/healthz") return method === "GET" ? healthRoute(door) : wrongMethod("GET", "Ask with GET /healthz.");
  if (path === "/metrics" && door.metrics !== undefined) {
    return method === "GET" ? metricsRoute(door.metrics) : wrongMethod("GET", "Ask with GET /metrics.");
  }
  if (isOfConsole(path) && door.console !== undefined) return consoleRoute(door.console, head);
  if (path !== "/" && path !== "/events") {
    return json(404, {
      error: `There is no ${path}. ${howToPublish} GET /healthz tells how the server is.${whereConsole(door)}`,
    });
  }
  if (method !== "POST") return wrongMethod("POST", `${howToPublish}${whereConsole(door)}`);
  return publishRoute(head, door);
}

/** Whoever types the server's address into a browser looks for it. */
function whereConsole({ console }: Door): string {
  return console === undefined ? "" : " The console is at /console.";
}

function publishRoute({ path, headers, distinct }: RequestHead, door: Door): Route | Answer {
  const target = headers["x-amz-target"];
  const contentType = readContentType(headers["content-type"]);
  const { media, charset } = contentType;
  const isPutEvents = path === "/" && (target !== undefined || media === AMZ_JSON);
  if (isPutEvents && target !== PUT_EVENTS) {
    return amzError(400, "UnknownOperationException", `Operation ${target} isn't supported, only ${PUT_EVENTS} is.`);
  }
  if (isPutEvents && media !== AMZ_JSON) return unsupported(`PutEvents needs Content-Type ${AMZ_JSON}.`);
  // Bytes of a type that is no text are left alone, whatever charset is given with it.
  if ((isPutEvents || isJson(contentType) || isText(contentType)) && !isReadAsUtf8(contentType)) {
    return unsupported(`Text in charset '${charset}' isn't taken here. Send it in UTF-8.`);
  }
  if (isPutEvents) {
    const answer = (body: Buffer) => putEvents(body, door);
    return { maxBodyBytes: MAX_PUT_EVENTS_BODY_BYTES, answer, error: amzError };
  }
  const headersDistinct = distinct();
  // As a client says it that knows of traces, and nothing of the events' own. PutEvents' entries are left as they are.
  const [traced] = headersDistinct.traceparent ?? [];
  if (media === CLOUD_EVENT)
    return textRoute(MAX_CLOUD_EVENT_BODY_BYTES, (text) => acceptCloudEvent(text, door, traced));
  if (media === CLOUD_EVENT_BATCH)
    return textRoute(MAX_BATCH_BODY_BYTES, (text) => acceptCloudEventBatch(text, door, traced));
  if (!media.startsWith("application/cloudevents") && isBinaryCloudEvent(headersDistinct)) {
    const answer = (body: Buffer) => acceptBinaryCloudEvent(headersDistinct, body, door);
    return { maxBodyBytes: MAX_EVENT_BYTES, answer, error: jsonError };
  }
  return unsupported(`Content-Type '${media}' isn't taken here. ${howToPublish}`);
}

/** A route whose body is text. Decoded leniently, a wrong byte would silently become another character. */
function textRoute(maxBodyBytes: number, answer: (text: string) => Promise<Answer>): Route {
  const answerText = async (body: Buffer) =>
    isUtf8(body) ? answer(body.toString("utf8")) : json(400, { error: NOT_UTF8 });
  return { maxBodyBytes, answer: answerText, error: jsonError };
}

function healthRoute(door: Door): Route {
  const answer = async () => {
    try {
      return json(200, await door.health());
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const remedies = error instanceof TurnoutError ? error.remedies : [];
      return json(503, { error: message, ...(remedies.length > 0 && { remedies: remedies.map(clauseOf) }) });
    }
  };
  return { maxBodyBytes: 0, answer, error: jsonError };
}

function metricsRoute(metrics: NonNullable<Door["metrics"]>): Route {
  return { maxBodyBytes: 0, answer: async () => ({ status: 200, ...(await metrics()) }), error: jsonError };
}

function jsonError(status: number, _type: string, message: string): Answer {
  return json(status, { error: message });
}

function wrongMethod(allow: string, remedy: string): Answer {
  return json(405, { error: remedy }, { allow });
}

function unsupported(message: string): Answer {
  return json(415, { error: message });
}
