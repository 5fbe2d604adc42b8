import { Argument, type Command } from "commander";
import { usage } from "../terminal/options.ts";
import { printLine } from "../terminal/output.ts";
import { candidates, type DefineCommand } from "./candidates.ts";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

export function define(command: Command, defineCommand: DefineCommand): void {
  command
    .addArgument(new Argument("<shell>", "which shell: bash, zsh or fish"))
    .argument("[words...]", "what has been typed so far; for the script itself, with - as shell")
    .addHelpText(
      "after",
      `
Prints what makes a shell complete commands, options, and the names of
components, aliases, cohorts and subjects of the state on this machine.
'turnout' has to be a command there: put the folder bin into PATH.

Examples:
  $ source <(turnout completion bash)
  $ source <(turnout completion zsh)
  $ turnout completion fish | source
`,
    )
    .action(async (shell: string, words: string[]) => {
      if (shell === "-") return complete(command.parent ?? command, words, defineCommand);
      const known = shells.find((one) => one === shell);
      if (known === undefined) throw usage(`There is no completion for '${shell}'; there is for ${shells.join(", ")}.`);
      for (const line of SCRIPTS[known].split("\n")) printLine(line);
    });
}

async function complete(program: Command, words: readonly string[], defineCommand: DefineCommand): Promise<void> {
  for (const candidate of await candidates(program, words, defineCommand)) printLine(candidate);
}

const SCRIPTS: Record<Shell, string> = {
  bash: `_turnout() {
  local IFS=$'\\n' candidate
  COMPREPLY=()
  for candidate in $(turnout completion - -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
    COMPREPLY+=("$(printf %q "$candidate")")
  done
}
complete -o default -F _turnout turnout`,
  zsh: `_turnout() {
  local -a candidates
  candidates=("\${(@f)$(turnout completion - -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$candidates" ]]; then compadd -- $candidates; else _files; fi
}
compdef _turnout turnout`,
  fish: `function __turnout
  set -l words (commandline -opc) (commandline -ct)
  turnout completion - -- $words[2..-1] 2>/dev/null
end
complete -c turnout -f -n 'string length -q -- (__turnout)' -a '(__turnout)'`,
};
