/** `1 event`, `2 events`. @param more for a noun whose plural has another ending */
export function plural(count: number, noun: string, more = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : more}`;
}
