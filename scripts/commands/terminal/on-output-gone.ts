/** Does this when nobody reads the output any more, e.g. `| head`, instead of ending at once. Returns what puts that back. */
export function onOutputGone(then: () => void): () => void {
  const others = process.stdout.rawListeners("error") as ((error: Error) => void)[];
  process.stdout.removeAllListeners("error");
  // Each line that is written after that fails as well.
  process.stdout.on("error", then);
  return () => {
    process.stdout.off("error", then);
    for (const other of others) process.stdout.on("error", other);
  };
}
