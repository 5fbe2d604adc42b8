import { type Command, Option } from "commander";

/**
 * An option that its command can't do without. Commander misses one of its own mandatory options before it notices a
 * misspelt one: `--reasn` would be answered by what is missing, and not by what was meant.
 */
class RequiredOption extends Option {}

export function required<T>(
  command: Command,
  flags: string,
  description: string,
  parse?: (text: string) => T,
): Command {
  const option = new RequiredOption(flags, description);
  return command.addOption(parse === undefined ? option : option.argParser(parse));
}

export function isRequired(option: Option): boolean {
  return option instanceof RequiredOption;
}

/** @throws CommanderError for the first required option that isn't there */
export function refuseMissing(command: Command): void {
  for (const option of command.options) {
    if (!isRequired(option) || command.getOptionValue(option.attributeName()) !== undefined) continue;
    command.error(`error: required option '${option.flags}' not specified`);
  }
}
