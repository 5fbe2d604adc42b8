import { TurnoutError } from "../domain/errors.ts";
import type { Remedy } from "../domain/remedy.ts";
import { VERSION_FILE } from "../domain/text/version-file.ts";
import type { LoadProblem } from "./version-catalog.ts";

/** Says what keeps the code from being loaded, where in the folder it was published from, and what to do. */
export function unloadable(
  source: string,
  { type, message, file, line }: LoadProblem,
  left = "Nothing was published.",
): TurnoutError {
  const place = file === undefined ? source : `${source}/${file}${line === undefined ? "" : `:${line}`}`;
  const told = message.replace(/\.$/, "");
  return new TurnoutError("failed", `${place} can't be loaded: ${type}: ${told}. ${left}`, {
    remedies: remediesFor(type, message),
  });
}

/** By the names that Lambda's runtime and a host give to what goes wrong. */
function remediesFor(type: string, message: string): Remedy[] {
  switch (type) {
    case "Runtime.HandlerNotFound":
    case "Runtime.MalformedHandlerName":
      return ["export it", { operation: "name handler" }];
    case "Runtime.ImportModuleError":
      return ["publish a folder that has what the code imports: a bundle, or its node_modules beside it"];
    case "Runtime.InvalidEntrypoint":
      return [`name what is in the folder (./name) or in the server's PATH as the command of ${VERSION_FILE}`];
    case "Runtime.UserCodeSyntaxError":
      return message.includes("TypeScript")
        ? ["write it without TypeScript that is more than types (erasableSyntaxOnly)", "publish what a compiler made"]
        : ["correct it and publish it again"];
    case "Sandbox.Timedout":
      return message.includes("asked for no event")
        ? ["start a client of Lambda's Runtime API with the command: it asks for events"]
        : ["let its modules wait for nothing while they load: what takes long belongs into the handler"];
    // They say so themselves.
    case "Runtime.CallbackHandlerDeprecated":
    case "Runtime.OutOfMemory":
      return [];
    case "Host.StartFailed":
      return ["publish it again when this machine has memory and file descriptors for another process"];
    default:
      return ["correct it", "give the component what the code needs (worker.environment), and publish it again"];
  }
}
