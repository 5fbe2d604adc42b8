import { describe, expect, it } from "vitest";
import { filesOfHandler, readHandler } from "../../../shared/domain/text/handler.ts";

describe("a handler", () => {
  it("says in which file it is, and how it is got at there", () => {
    expect(readHandler("src/api/index.handlers.orders")).toEqual({
      ok: true,
      value: { module: "src/api/index", path: ["handlers", "orders"] },
    });
    expect(filesOfHandler({ module: "index", path: ["handler"] })).toEqual([
      "index.js",
      "index.mjs",
      "index.cjs",
      "index.ts",
      "index.mts",
    ]);
  });

  it("has 128 characters at most, as Lambda has it", () => {
    expect(readHandler(`${"a".repeat(120)}.handler`)).toMatchObject({ ok: true });
    const problem = "a handler has at most 128 characters, not 129";
    expect(readHandler(`${"a".repeat(121)}.handler`)).toEqual({ ok: false, problem });
  });

  it.each(["index", "../index.handler", "a/../b.handler", "index..handler", "index.handler.", "/index.handler", ""])(
    "refuses %j, and shows how one is written",
    (text) => {
      expect(readHandler(text)).toEqual({ ok: false, problem: expect.stringContaining("e.g. index.handler") });
    },
  );
});
