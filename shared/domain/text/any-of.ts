/** One, or any of several. */
export type AnyOf<T> = T | readonly T[];

/** All that are asked for. */
export function eachOf<T extends string | object>(wanted: AnyOf<T>): readonly T[] {
  return Array.isArray(wanted) ? wanted : [wanted as T];
}

/** Whether it is asked for; what nothing is said of lets everything through. */
export function isWanted<T extends string>(wanted: AnyOf<T> | undefined, found: string | undefined): boolean {
  return wanted === undefined || eachOf<string>(wanted).some((one) => one === found);
}
