import { type Command, Option } from "commander";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import type { AnyOf } from "../../../shared/domain/text/any-of.ts";

/** An option that may be given several times, each time for one value more. */
class RepeatedOption<T> extends Option {
  constructor(flags: string, description: string, read: (text: string) => T) {
    super(flags, description);
    this.argParser((text: string, before: readonly T[] = []): T[] => [...before, read(text)]);
  }
}

/** An option of which several let through what any of them does. */
export function repeated<T = string>(
  command: Command,
  flags: string,
  description: string,
  read: (text: string) => T,
): Command {
  return command.addOption(new RepeatedOption(flags, description, read));
}

/** What was given once as itself, so that it is written as it has always been. */
export function anyOf<T>(given: readonly T[] | undefined): AnyOf<T> | undefined {
  const [only] = given ?? [];
  return given?.length === 1 ? only : given;
}

/** Has a command refuse an option that it takes one value of and that is given two: the first would go without a word. */
export function refuseRepeated(command: Command): void {
  for (const option of command.options) {
    if (option instanceof RepeatedOption || option.variadic || option.isBoolean()) continue;
    let before: string | undefined;
    command.on(`option:${option.name()}`, (text: string) => {
      if (before !== undefined && before !== text)
        throw new TurnoutError("usage", `${option.long}: it takes one value, and was given two.`);
      before = text;
    });
  }
  for (const one of command.commands) refuseRepeated(one);
}
