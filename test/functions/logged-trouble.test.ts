import { expect, it, vi } from "vitest";
import { onError } from "../../functions/on-aws/function-ports.ts";
import { ComponentNotFound } from "../../shared/domain/errors.ts";

it("a function's trouble is one line of JSON, with what to do as values", () => {
  const lines: unknown[] = [];
  const spy = vi.spyOn(console, "error").mockImplementation((line) => void lines.push(JSON.parse(line)));
  try {
    onError(new ComponentNotFound("mailr", ["mailer"]));
    onError("lost");
  } finally {
    spy.mockRestore();
  }
  const remedies = [{ operation: "apply component" }];
  const message = "No component 'mailr'. There are: mailer.";
  expect(lines).toEqual([
    { level: "ERROR", error: { type: "ComponentNotFound", message, stack: expect.any(String), remedies } },
    { level: "ERROR", error: { type: "Error", message: "lost", stack: expect.any(String) } },
  ]);
});
