import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { TurnoutError } from "../../shared/domain/errors.ts";
import { errorText } from "../../shared/installation/wording/remedy-text.ts";
import { commandLine } from "../../shared/installation/wording/shell-quote.ts";

/** What the front door answers. */
export type Answer = { status: number; contentType: string; text: string; headers?: Record<string, string> };

/** What answers a request, and the longest body it takes. */
export type Route = {
  maxBodyBytes: number;
  answer(body: Buffer): Promise<Answer>;
  /** The route's own form of an error that is found before `answer` is asked. */
  error(status: number, type: string, message: string): Answer;
};

/** What is said of a body that should be text and isn't. */
export const NOT_UTF8 = "The body isn't UTF-8 text.";

/** A plain JSON answer. */
export function json(status: number, body: object, headers?: Record<string, string>): Answer {
  return { status, contentType: "application/json", text: JSON.stringify(body), ...(headers && { headers }) };
}

/** An answer in the protocol that the AWS SDKs speak to EventBridge. They put the request's id into what they log. */
export function amzJson(status: number, body: object): Answer {
  const headers = { "x-amzn-requestid": randomUUID() };
  return { status, contentType: "application/x-amz-json-1.1", text: JSON.stringify(body), headers };
}

/** An error that the AWS SDKs throw under the name `type`. They retry those with a status of 500 and above. */
export function amzError(status: number, type: string, message: string): Answer {
  return amzJson(status, { __type: type, message });
}

/** What went wrong and what to do, for whoever sent the request. */
export function errorSaid(error: unknown): string {
  if (error instanceof TurnoutError) return errorText(error);
  const message = error instanceof Error ? error.message : String(error);
  return `${message.replace(/\.$/, "")}. Ask '${commandLine("doctor")}' what is wrong.`;
}

/** Writes the answer's head, for its text to follow: whole, and at best as the response's end. */
export function writeHead(response: ServerResponse, answer: Answer): ServerResponse {
  return response.writeHead(answer.status, {
    "content-type": answer.contentType,
    "content-length": Buffer.byteLength(answer.text),
    ...answer.headers,
  });
}
