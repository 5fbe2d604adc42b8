/** An event, and what is said of it. */
export type Invocation = {
  event: unknown;
  answer(body: object): Promise<unknown>;
  fail(error: { errorType: string; errorMessage: string }): Promise<unknown>;
};

/** One event after the other by Lambda's Runtime API, which any language can speak as it is spoken here. */
export async function* runtimeEvents(host: string): AsyncGenerator<Invocation> {
  const api = `http://${host}/2018-06-01/runtime/invocation`;
  const post = (path: string, body: object) => fetch(`${api}/${path}`, { method: "POST", body: JSON.stringify(body) });
  for (;;) {
    const next = await fetch(`${api}/next`);
    const id = next.headers.get("lambda-runtime-aws-request-id");
    yield {
      event: await next.json(),
      answer: (body) => post(`${id}/response`, body),
      fail: (error) => post(`${id}/error`, error),
    };
  }
}
