import { expect, it } from "vitest";
import { deliveryRemedy, NO_VERSION } from "../../../shared/domain/deliveries/delivery-remedy.ts";

const error = { type: NO_VERSION, message: "mailer@beta points at no version" };
const failedAttempt = { component: "mailer", alias: "beta", error };

it("an attempt that found no version is healed by publishing one to its alias", () => {
  expect(deliveryRemedy(failedAttempt)).toEqual({ operation: "publish version", component: "mailer", alias: "beta" });
});

it.each([
  ["another error", { error: { ...error, type: "Timeout" } }],
  ["a version that names its own error so", { executedVersion: "7" }],
  ["no component", { component: undefined }],
  ["no alias", { alias: undefined }],
])("there is no remedy for an attempt with %s", (_, about) => {
  expect(deliveryRemedy({ ...failedAttempt, ...about })).toBeUndefined();
});
