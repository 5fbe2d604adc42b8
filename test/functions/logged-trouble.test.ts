import { expect, it, vi } from "vitest";
import { onError, report } from "../../functions/on-aws/function-ports.ts";
import { ComponentNotFound } from "../../shared/domain/errors.ts";
import { aRecord } from "../support/builders.ts";

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

it("a function's delivery is one line of JSON and nothing else, and an event without a listener none", () => {
  const written: unknown[] = [];
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(text) > 0);
  const record = aRecord({ id: "event-1" });
  try {
    report({ record, at: record.t0, component: "mailer", outcome: "done" });
    report({ record, at: record.t0, outcome: "unmatched" });
  } finally {
    spy.mockRestore();
  }
  expect(written).toEqual([expect.stringMatching(/^\{.*\}\n$/)]);
  expect(JSON.parse(String(written[0]))).toMatchObject({ "cloudevents.event_id": "event-1", outcome: "done" });
});
