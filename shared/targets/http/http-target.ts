import { binaryHeaders, deliveredCloudEvent, structuredText } from "../../domain/deliveries/delivered-cloud-event.ts";
import type { DeliveryError } from "../../domain/deliveries/delivery.ts";
import type { HttpAddress } from "../../domain/routing/target-address.ts";
import { leaseTooShort } from "../lease-too-short.ts";
import type { Send, SendResult, Target } from "../target.ts";
import { AddressRefused } from "./checked-lookup.ts";
import { type Connect, type HttpAnswer, httpClient } from "./http-exchange.ts";
import { retryAfter } from "./retry-after.ts";
import { type SecretText, signingSecrets } from "./signing-secrets.ts";
import { signatureHeaders } from "./webhook-signature.ts";

/** Statuses below 500 that pass by themselves: too slow, too early, too much. */
const PASSING = new Set([408, 425, 429]);

/** What says nothing was done yet: the server has no room, and says when it has. */
const BUSY = new Set([429, 503]);

/** No port, descriptor or memory is left for a connection. */
const NO_CONNECTION = new Set(["EADDRNOTAVAIL", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

const MAX_MESSAGE = 300;

const SHUTTING_DOWN: SendResult = {
  outcome: "throttled",
  error: { type: "ShuttingDown", message: "Turnout is being stopped" },
};

export type HttpTargetOptions = {
  now: () => Date;
  /** Where the secrets are that requests are signed with. */
  secretText: SecretText;
  /** Authorities beside the usual ones. */
  ca?: string;
  /** Makes each connection in the place of Node. */
  connect?: Connect;
  /** How long `close` waits for what is under way. Default 5 s. */
  graceMs?: number;
};

/**
 * Posts the event to the alias's own URL. Any status from 200 to 299 is done; 429, and 503 with `Retry-After`, is no room,
 * as it is where this machine can't make a connection;
 * other statuses fail, and those from 300 to 499 for good but 408, 425 and 429. A server may say in `Turnout-Version`
 * which version of it has answered. Redirects aren't followed.
 */
export function httpTarget(options: HttpTargetOptions): { send: Target; close(): Promise<void> } {
  const { now, secretText, ca, connect, graceMs = 5_000 } = options;
  const client = httpClient({ ...(ca !== undefined && { ca }), ...(connect !== undefined && { connect }) });
  const keysOf = signingSecrets(secretText, now);
  const stopping = new AbortController();
  const underWay = new Set<Promise<SendResult>>();

  async function send(send: Send): Promise<SendResult> {
    const { address, idempotencyKey, timeoutMs } = send;
    const start = now();
    if (address.kind !== "http") {
      return failed({ type: "WrongTarget", message: `a target of kind '${address.kind}' has no URL` }, 0);
    }
    const late = leaseTooShort(send, start);
    if (late !== undefined) return late;
    try {
      const { headers, body } = messageOf(send.payload, address.format);
      const keys = address.secrets === undefined ? undefined : await keysOf(address.secrets);
      const answer = await client.post({
        url: new URL(address.url),
        headers: {
          ...headers,
          "user-agent": "Turnout",
          "idempotency-key": idempotencyKey,
          ...(keys === undefined ? {} : signatureHeaders(keys, { id: idempotencyKey, at: start, body })),
        },
        body,
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(timeoutMs)]),
        allowsPrivate: address.private === true,
      });
      return resultOf(answer, now(), now().getTime() - start.getTime());
    } catch (error) {
      if (stopping.signal.aborted) return SHUTTING_DOWN;
      const told = errorOf(error, send);
      if (NO_CONNECTION.has(told.type)) return noConnection(told);
      return { ...failed(told, now().getTime() - start.getTime()), ...finalIf(error) };
    }
  }

  return {
    send(one) {
      if (stopping.signal.aborted) return Promise.resolve(SHUTTING_DOWN);
      const result = send(one).finally(() => underWay.delete(result));
      underWay.add(result);
      return result;
    },
    /** Gives what is under way its grace. */
    async close() {
      const late = setTimeout(() => stopping.abort(), graceMs);
      await Promise.all(underWay);
      clearTimeout(late);
      stopping.abort();
      client.close();
    },
  };
}

function messageOf(payload: string, format: HttpAddress["format"]): { headers: Record<string, string>; body: string } {
  if (format === "published") return { headers: { "content-type": "application/json" }, body: payload };
  const event = deliveredCloudEvent(payload);
  if (format === "binary") return { headers: binaryHeaders(event), body: event.data };
  return { headers: { "content-type": "application/cloudevents+json" }, body: structuredText(event) };
}

function resultOf({ status, headers, told }: HttpAnswer, at: Date, durationMs: number): SendResult {
  const named = headers["turnout-version"];
  const version = typeof named === "string" && named !== "" ? named.slice(0, 64) : undefined;
  if (status >= 200 && status <= 299) return { outcome: "done", executedVersion: version ?? "unknown", durationMs };
  const error = { type: `Http.${status}`, message: messageText(status, headers.location, told) };
  const retryAt = retryAfter(headers["retry-after"], at);
  if (BUSY.has(status) && (status === 429 || retryAt !== undefined)) {
    return { outcome: "throttled", error, ...(retryAt === undefined ? {} : { retryAt }) };
  }
  const isFinal = status < 500 && !PASSING.has(status);
  return { ...failed(error, durationMs), ...(version && { executedVersion: version }), ...(isFinal && { isFinal }) };
}

function messageText(status: number, location: string | undefined, told: string): string {
  if (status >= 300 && status <= 399 && location !== undefined) {
    return cut(`redirects aren't followed: it leads to ${location}. Correct the alias's url.`);
  }
  const words = told.replaceAll(/\s+/g, " ").trim();
  return cut(`the server answered ${status}${words === "" ? "" : `: ${words}`}`);
}

function errorOf(error: unknown, { component, alias, timeoutMs }: Send): DeliveryError {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  if (name === "TimeoutError") {
    return { type: "Timeout", message: `${component} '${alias}' gave no answer within ${timeoutMs} ms` };
  }
  // Node's own code says more than the name.
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : name;
  return { type: code, message: cut(message === "" ? code : message) };
}

/** Nothing was sent, and whose fault it is is the machine's: it waits until there is room. */
function noConnection({ type, message }: DeliveryError): SendResult {
  const advice =
    "this machine has no port, descriptor or memory left for a connection: raise its limits, or send less at once";
  return { outcome: "throttled", error: { type, message: cut(`${message}: ${advice}`) } };
}

function finalIf(error: unknown): { isFinal?: true } {
  return error instanceof AddressRefused ? { isFinal: true } : {};
}

function cut(text: string): string {
  return (text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE - 1)}…`).toWellFormed();
}

function failed(error: DeliveryError, durationMs: number) {
  return { outcome: "failed" as const, error, durationMs };
}
