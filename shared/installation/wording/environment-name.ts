let chosen: string | undefined;

/** Says which environment the command is for: what `--env` says, and else `TURNOUT_ENV`. */
export function chooseEnvironment(option: string | undefined): void {
  chosen = option ?? (process.env.TURNOUT_ENV || undefined);
}

/** The environment on AWS that the command is for; undefined for the state on this machine. */
export function environmentName(): string | undefined {
  return chosen;
}
