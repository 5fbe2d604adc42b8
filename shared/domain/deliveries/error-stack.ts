import type { DeliveryError } from "./delivery.ts";

/** Where it failed, in the payload of a Lambda function's error: lines that Node's runtime calls `trace`, others `stackTrace`. */
export function stackOf({ trace, stackTrace }: Record<string, unknown>): Pick<DeliveryError, "stack"> {
  const lines = trace ?? stackTrace;
  if (!Array.isArray(lines) || lines.length === 0) return {};
  return {
    stack: lines
      .filter((line) => typeof line === "string")
      .map((line) => line.trimEnd())
      .join("\n"),
  };
}
