import { InvokeCommand, type InvokeCommandInput, type LambdaClient } from "@aws-sdk/client-lambda";
import { type QuickOperation, quickClient, type Send } from "./quick-client.ts";

/** A client that sends invocations by `quickClient`; their payloads are texts. */
export function quickLambda(client: LambdaClient): Pick<LambdaClient, "send"> {
  return { send: quickClient(client, [invoke], client.send.bind(client) as Send) as LambdaClient["send"] };
}

const invoke: QuickOperation<InvokeCommandInput> = {
  command: InvokeCommand,
  like: new InvokeCommand({ FunctionName: "" }),
  takes: (input) => typeof input.Payload === "string",
  // Its type goes into the head as well.
  head: (input) => ({ ...input, Payload: "" }),
  body: (input) => String(input.Payload),
  output({ statusCode, headers, body }) {
    const error = headers["x-amz-function-error"];
    const log = headers["x-amz-log-result"];
    const version = headers["x-amz-executed-version"];
    return {
      StatusCode: statusCode,
      ...(error !== undefined && { FunctionError: error }),
      ...(log !== undefined && { LogResult: log }),
      ...(version !== undefined && { ExecutedVersion: version }),
      ...(body.byteLength > 0 && { Payload: new Payload(body.buffer, body.byteOffset, body.byteLength) }),
    };
  },
};

/** As the SDK has it. */
class Payload extends Uint8Array<ArrayBufferLike> {
  transformToString(encoding: BufferEncoding = "utf-8"): string {
    return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString(encoding);
  }
}
