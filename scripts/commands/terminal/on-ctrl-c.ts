/** Does this on Ctrl-C, instead of whatever else listens. Returns what puts that back. */
export function onCtrlC(then: () => void): () => void {
  const others = process.rawListeners("SIGINT") as (() => void)[];
  process.removeAllListeners("SIGINT");
  process.once("SIGINT", then);
  return () => {
    process.off("SIGINT", then);
    for (const other of others) process.on("SIGINT", other);
  };
}
