/** Lambda's limit for the response of a synchronous invocation (Lambda quotas: 6 MB and 100 bytes). */
export const MAX_RESPONSE_BYTES = 6_291_556;

export function responseTooLarge(bytes: number): { type: string; message: string } {
  const message = `the response has ${bytes} bytes; at most ${MAX_RESPONSE_BYTES} are allowed`;
  return { type: "Function.ResponseSizeTooLarge", message };
}
