import { GuardrailHit, type Objection, type TurnoutError } from "../../domain/errors.ts";
import type { Operation, Remedy } from "../../domain/remedy.ts";
import { environmentName } from "./environment-name.ts";
import { commandLine, shellLine } from "./shell-quote.ts";

/** An error's message with what to do about it: a sentence for the command line. */
export function errorText(error: TurnoutError): string {
  const { message, remedies } = error;
  const told = error instanceof GuardrailHit ? `Nothing was changed: ${objectionTexts(error).join("; ")}.` : message;
  return remedies.length === 0 ? told : `${told} ${remediesText(remedies)}.`;
}

/** What stands in the way of a change, each with what to do about it. */
export function objectionTexts({ objections }: { objections: readonly Objection[] }): string[] {
  return objections.map(({ says, remedy }) => (remedy === undefined ? says : `${says}: ${clauseOf(remedy)}`));
}

/** One remedy or another as a sentence, without its full stop. */
export function remediesText(remedies: readonly Remedy[]): string {
  const clauses = remedies.map(clauseOf);
  const last = clauses.pop() ?? "";
  const text = clauses.length === 0 ? last : `${clauses.join(", ")}, or ${last}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What to do, in words that follow others: `publish one: turnout publish-version mailer FOLDER --alias beta`. */
export function clauseOf(remedy: Remedy): string {
  return typeof remedy === "string" ? remedy : operationText(remedy);
}

function operationText(asked: Operation): string {
  switch (asked.operation) {
    case "apply component": {
      const command = commandLine("component", "apply", "FILE");
      return asked.component === undefined ? `register one with '${command}'` : `apply its file again ('${command}')`;
    }
    case "remove component":
      return `remove it ('${commandLine("component", "remove", asked.component)}')`;
    case "create cohort":
      return `create one with '${commandLine("cohort", "create", "NAME")}'`;
    case "revert change": {
      const { revision } = asked;
      if (revision === undefined) return `take back the change that wrote it ('${commandLine("revert")}')`;
      return `take back the change that wrote it ('${commandLine("revert", String(revision))}')`;
    }
    case "list changes":
      return `'${commandLine("history")}' lists the changes`;
    case "force change":
      return `with --force it is done all the same, and logged as forced. See '${commandLine("guardrails", "show")}'`;
    case "explain routing":
      return `look at it with '${commandLine("explain")}' and run the command again`;
    case "list aliases":
      return `look at it with '${commandLine("aliases", asked.component)}' and run the command again`;
    case "end pin":
      return "add --for or --until";
    case "add alias":
      return `add it with '${commandLine("alias", "add", asked.component, asked.alias)} --reason TEXT'`;
    case "set alias":
      return `point it at ${asked.version ?? "one"} with '${commandLine("alias", "set", asked.component, asked.alias, asked.version ?? "VERSION")}'`;
    case "roll back alone": {
      const command = commandLine("rollback", asked.component, asked.alias, "--to", asked.version);
      return `roll back alone with '${command} --reason TEXT'`;
    }
    case "name version":
      return "name another with --to";
    case "name handler":
      return "name another with --handler FILE.FUNCTION";
    case "name beginning":
      return "say it with --since";
    case "move drifted alias": {
      const [log, set] = [
        commandLine("history", "--component", asked.component),
        commandLine("alias", "set", asked.component, asked.alias, "VERSION"),
      ];
      return `find out who did it; see '${log}', and move it where it belongs with '${set}'`;
    }
    case "settle unresolved":
      return settleText(asked.from.toISOString(), asked.canBeFinished);
    case "tell failures apart":
      return (
        `see for whom with '${commandLine("health", asked.component, "--by", "customer")}', and what they have in ` +
        `common with '${commandLine("failures", asked.component)}'`
      );
    case "unfreeze":
      return `changes count as frozen until then: '${commandLine("unfreeze")}' puts it right`;
    case "publish version": {
      // On AWS it is the function that has the code.
      const folder = environmentName() === undefined ? "FOLDER" : undefined;
      return `publish one: ${commandLine("publish-version", asked.component, folder, "--alias", asked.alias)}`;
    }
    case "rename replay":
      return "give this one another --name";
    case "list replayed":
      return `see what it delivered with '${commandLine("events", "--replay", asked.replay)}'`;
    case "select unmatched":
      return "ask for them with --status unmatched";
    case "select rejected":
      return "ask for them with --status rejected, or finish them with --mode finish";
    case "show event":
      return `'${commandLine("event", "show")}' says why`;
    case "examine installation":
      return `'${commandLine("doctor")}' tells which`;
    case "restore backup":
      return `restore a backup with '${commandLine("restore", "FILE", "--replace")}'`;
    case "carry routing over":
      return (
        "take the routing over with 'turnout export' of the Turnout that wrote it and 'turnout import' here, into " +
        "another TURNOUT_HOME"
      );
    case "trust clock":
      return "if it is right and was wrong then, start once with --trust-clock";
    case "start release":
      return `begin one with '${commandLine("release", "start", "COMPONENT")}'`;
    case "abort release":
      return `take it back with '${commandLine("release", "abort", asked.release)} --reason TEXT'`;
    case "wait for function": {
      const command = shellLine(["aws", "lambda", "wait", "function-updated-v2", "--function-name", asked.name]);
      return `wait until '${command}' ends, and run the command again`;
    }
    case "end sharing out":
      return "find out who did it, and end it (aws lambda update-alias --routing-config 'AdditionalVersionWeights={}')";
    case "look at function": {
      const of = ["--function-name", asked.name, "--qualifier", asked.version];
      return `look at it with '${shellLine(["aws", "lambda", "get-function-configuration", ...of])}', and move one when it is`;
    }
  }
}

function settleText(from: string, canBeFinished: boolean): string {
  const list = `list them with '${commandLine("events", "--unresolved", "--from", from)}'`;
  if (!canBeFinished) return list;
  const finish = commandLine("replay", "start", "--unresolved", "--mode", "finish", "--from", from);
  return `${list}. Once the cause is gone, deliver them with '${finish} --reason TEXT'`;
}
