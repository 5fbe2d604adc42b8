import type { IncomingMessage } from "node:http";
import { stubServer } from "./stub-server.ts";

type Answer = { status: number; body: object };

const CALLER = "arn:aws:sts::123456789012:assumed-role/Operator/ada";

/** A server that speaks as much of SSM, STS, EventBridge and S3 as an operator's commands ask. */
export async function controlPlaneStub() {
  const parameters = new Map<string, string>();
  const faults = new Map<string, Answer[]>();
  const counts: Record<string, number> = {};
  const published: { Source: string; DetailType: string; Detail: string; EventBusName: string }[] = [];
  let clockAheadMs = 0;
  let ids = 0;

  function answer(operation: string, request: Record<string, unknown>): Answer {
    switch (operation) {
      case "GetParameter": {
        const Value = parameters.get(String(request.Name));
        return Value === undefined ? refused("ParameterNotFound", "") : ok({ Parameter: { Value } });
      }
      case "GetParametersByPath": {
        const names = [...parameters.keys()].filter((name) => name.startsWith(`${request.Path}/`));
        return ok({ Parameters: names.map((Name) => ({ Name })) });
      }
      case "PutEvents": {
        const entries = request.Entries as (typeof published)[number][];
        published.push(...entries);
        return ok({ FailedEntryCount: 0, Entries: entries.map(() => ({ EventId: `event-${++ids}` })) });
      }
      case "DescribeEventBus":
        return ok({ Name: request.Name, Arn: `arn:aws:events:eu-west-1:123456789012:event-bus/${request.Name}` });
      default:
        return refused("UnknownOperationException", operation);
    }
  }

  const endpoint = await stubServer((request, response) => {
    void (async () => {
      const text = await textOf(request);
      const target = request.headers["x-amz-target"];
      const operation = operationOf(request, text);
      counts[operation] = (counts[operation] ?? 0) + 1;
      response.setHeader("date", new Date(Date.now() - clockAheadMs).toUTCString());
      const fault = faults.get(operation)?.shift();
      if (operation === "HeadBucket") return void response.writeHead(fault?.status ?? 200).end();
      if (operation === "GetCallerIdentity") {
        if (fault !== undefined) return void response.writeHead(fault.status).end(errorXml(fault.body));
        return void response.writeHead(200, { "content-type": "text/xml" }).end(IDENTITY);
      }
      const { status, body } = fault ?? answer(operation, target === undefined ? {} : JSON.parse(text));
      response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });

  return {
    endpoint,
    parameters,
    counts,
    published,
    caller: CALLER,
    /** The next requests of an operation are refused so. */
    fail(operation: string, ...answers: Answer[]): void {
      faults.set(operation, [...(faults.get(operation) ?? []), ...answers]);
    },
    setClockAhead(ms: number): void {
      clockAheadMs = ms;
    },
  };
}

/** An error of the JSON protocols. */
export function refused(type: string, message: string, status = 400): Answer {
  return { status, body: { __type: type, message } };
}

function ok(body: object): Answer {
  return { status: 200, body };
}

function operationOf({ method, headers, url }: IncomingMessage, text: string): string {
  const target = headers["x-amz-target"]?.toString().split(".")[1];
  if (target !== undefined) return target;
  if (method === "HEAD") return "HeadBucket";
  return new URLSearchParams(text).get("Action") ?? `${method} ${url}`;
}

const IDENTITY = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>${CALLER}</Arn><UserId>AROAEXAMPLE:ada</UserId><Account>123456789012</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>`;

function errorXml(body: object): string {
  const { __type, message } = body as { __type?: string; message?: string };
  return `<ErrorResponse><Error><Type>Sender</Type><Code>${__type}</Code><Message>${message}</Message></Error></ErrorResponse>`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
