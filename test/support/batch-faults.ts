import type { Answer, Fault } from "./dynamodb-proxy.ts";

type Request = Record<string, unknown>;
type Write = { PutRequest: unknown };

/** Refuses one statement of a BatchExecuteStatement with this error, unserved, inside a 200; the others are served. */
export function statementRefused(index: number, Code: string): Fault {
  return async (forward, request) => {
    const statements = request.Statements as unknown[];
    const others = statements.filter((_, n) => n !== index);
    const answers = others.length === 0 ? [] : responsesOf(await forward({ ...request, Statements: others }));
    return responses(answers.toSpliced(index, 0, { Error: { Code, Message: "injected" } }));
  };
}

/** Serves a BatchExecuteStatement and answers with this error for one of its statements all the same. */
export function statementServedBut(index: number, Code: string): Fault {
  return async (forward) =>
    responses(responsesOf(await forward()).with(index, { Error: { Code, Message: "injected" } }));
}

/** Serves only the first items of a BatchWriteItem, and hands the others back. */
export function servedOnly(count: number): Fault {
  return async (forward, request) => {
    const [[table, writes] = ["", []]] = Object.entries(request.RequestItems as Record<string, Write[]>);
    if (count > 0) await forward({ ...request, RequestItems: { [table]: writes.slice(0, count) } });
    const UnprocessedItems = { [table]: writes.slice(count) };
    return { status: 200, body: JSON.stringify({ UnprocessedItems }) };
  };
}

/** Reads only the first keys of a BatchGetItem, and hands the others back. */
export function readOnly(count: number): Fault {
  return async (forward, request) => {
    const [[table, asked] = ["", { Keys: [] }]] = Object.entries(
      request.RequestItems as Record<string, { Keys: unknown[] }>,
    );
    const UnprocessedKeys = { [table]: { ...asked, Keys: asked.Keys.slice(count) } };
    if (count === 0) return { status: 200, body: JSON.stringify({ Responses: {}, UnprocessedKeys }) };
    const RequestItems = { [table]: { ...asked, Keys: asked.Keys.slice(0, count) } };
    const { status, body } = await forward({ ...request, RequestItems });
    return { status, body: JSON.stringify({ ...(JSON.parse(body) as Request), UnprocessedKeys }) };
  };
}

function responsesOf({ body }: { body: string }): unknown[] {
  return (JSON.parse(body) as { Responses?: unknown[] }).Responses ?? [];
}

function responses(Responses: unknown[]): Answer {
  return { status: 200, body: JSON.stringify({ Responses }) };
}
