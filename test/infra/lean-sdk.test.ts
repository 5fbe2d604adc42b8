import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { withPlainKeys } from "../../infra/constructs/lean-sdk.ts";

it("withPlainKeys puts the texts of constants in the place of computed keys, and leaves every other key alone", () => {
  const source =
    'const _h = "http";\nvar other = "x";\nexport var A$ = [9, n0, _h, { [_h]: ["GET"], [other]: 2, h: [_h] }];\n';
  expect(withPlainKeys(source)).toBe(source.replace("[_h]:", '"http":'));
});

it("withPlainKeys finds the computed keys of the client for Lambda as it is installed, and all of them", () => {
  const client = fileURLToPath(import.meta.resolve("@aws-sdk/client-lambda/package.json"));
  const source = readFileSync(client.replace("package.json", "dist-es/schemas/schemas_0.js"), "utf8");
  const computed = /\[_\w+\]:/g;
  expect(source.match(computed)?.length).toBeGreaterThan(100);
  expect(withPlainKeys(source).match(computed)).toBeNull();
});
