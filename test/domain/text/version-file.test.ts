import { expect, it } from "vitest";
import { jsonFields } from "../../../shared/domain/text/schema.ts";
import { readCommand } from "../../../shared/domain/text/version-file.ts";

const read = (value: unknown) => readCommand(JSON.stringify(value));

it("a version's file names its command, or none where it is the code's own", () => {
  expect(read({ command: ["python3", "-u", "main.py"] })).toEqual({ ok: true, value: ["python3", "-u", "main.py"] });
  for (const own of [{}, { name: "x" }, [], null, 7]) expect(read(own)).toEqual({ ok: true, value: undefined });
});

it("a version's file whose command is none is refused", () => {
  const words = (count: number) => Array(count).fill("x");
  expect([read({ command: words(256) }).ok, read({ command: words(257) }).ok]).toEqual([true, false]);
  expect([read({ command: ["x".repeat(4_096)] }).ok, read({ command: ["x".repeat(4_097)] }).ok]).toEqual([true, false]);
  for (const wrong of [{ command: [] }, { command: [""] }, { command: "x" }, { command: ["x"], more: 1 }]) {
    expect(read(wrong).ok).toBe(false);
  }
  expect(readCommand("{")).toMatchObject({ ok: false, problem: expect.stringMatching(/^not JSON/) });
});

it("the fields of a text are those of the object that it is, if it is one", () => {
  expect(jsonFields('{"a":1}')).toEqual({ a: 1 });
  for (const text of ["null", "7", "{", '"a"']) expect(jsonFields(text)).toEqual({});
});
