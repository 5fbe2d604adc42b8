import type { IncomingHttpHeaders } from "node:http";
import type { Intake } from "./accept-events.ts";
import { type Answer, amzError, json } from "./answer.ts";
import { acceptCloudEvent, MAX_CLOUD_EVENT_BODY_BYTES } from "./cloud-events-http.ts";
import { MAX_PUT_EVENTS_BODY_BYTES, PUT_EVENTS, putEvents } from "./put-events.ts";

/** What answers a request, and the longest body it takes. */
export type Route = {
  maxBodyBytes: number;
  answer(text: string): Promise<Answer>;
  /** The route's own form of an error that is found before `answer` is asked. */
  error(status: number, type: string, message: string): Answer;
};

export type Door = Intake & { health: () => Promise<object> };

type RequestHead = { method: string; path: string; headers: IncomingHttpHeaders };

const AMZ_JSON = "application/x-amz-json-1.1";
const CLOUD_EVENT = "application/cloudevents+json";
const howToPublish =
  `Publish with POST /: PutEvents of an AWS SDK (X-Amz-Target: ${PUT_EVENTS}), ` +
  `or one CloudEvent as Content-Type ${CLOUD_EVENT}.`;

/** Finds what answers a request by its head alone, so that nothing is read of a body that nobody wants. */
export function routeOf(head: RequestHead, door: Door): Route | Answer {
  const { method, path } = head;
  if (path === "/healthz") return method === "GET" ? healthRoute(door) : wrongMethod("GET", "Ask with GET /healthz.");
  if (path !== "/" && path !== "/events") {
    return json(404, { error: `There is no ${path}. ${howToPublish} GET /healthz tells how the server is.` });
  }
  if (method !== "POST") return wrongMethod("POST", howToPublish);
  return publishRoute(head, door);
}

function publishRoute({ path, headers }: RequestHead, door: Door): Route | Answer {
  const target = headers["x-amz-target"];
  const contentType = (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (path === "/" && (target !== undefined || contentType === AMZ_JSON)) {
    if (target !== PUT_EVENTS) {
      return amzError(400, "UnknownOperationException", `Operation ${target} isn't supported, only ${PUT_EVENTS} is.`);
    }
    if (contentType !== AMZ_JSON) return unsupported(`PutEvents needs Content-Type ${AMZ_JSON}.`);
    return putEventsRoute(door);
  }
  if (contentType === "application/cloudevents-batch+json") {
    return unsupported(`Batches of CloudEvents aren't supported yet. Send each event as Content-Type ${CLOUD_EVENT}.`);
  }
  if (contentType === CLOUD_EVENT) return cloudEventRoute(door);
  if (Object.keys(headers).some((name) => name.startsWith("ce-"))) {
    return unsupported(
      "CloudEvents in binary mode (ce-* headers) aren't supported yet. " +
        `Use structured mode: Content-Type ${CLOUD_EVENT}, with the attributes in the body.`,
    );
  }
  return unsupported(`Content-Type '${contentType}' isn't taken here. ${howToPublish}`);
}

function putEventsRoute(door: Door): Route {
  return { maxBodyBytes: MAX_PUT_EVENTS_BODY_BYTES, answer: (text) => putEvents(text, door), error: amzError };
}

function cloudEventRoute(door: Door): Route {
  return { maxBodyBytes: MAX_CLOUD_EVENT_BODY_BYTES, answer: (text) => acceptCloudEvent(text, door), error: jsonError };
}

function healthRoute(door: Door): Route {
  const answer = async () => {
    try {
      return json(200, await door.health());
    } catch (error) {
      return json(503, { error: error instanceof Error ? error.message : String(error) });
    }
  };
  return { maxBodyBytes: 0, answer, error: jsonError };
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
