/** How long a module may take to load, as on Lambda. */
export const INIT_TIMEOUT_MS = 10_000;

/** What a version sees in `process.env`. */
export function environmentOf(
  { component, version, memoryMb }: { component: string; version: string; memoryMb: number },
  own: Record<string, string>,
): Record<string, string> {
  const { PATH, TZ } = process.env;
  return {
    ...(PATH === undefined ? {} : { PATH }),
    ...(TZ === undefined ? {} : { TZ }),
    AWS_REGION: "local",
    ...own,
    AWS_LAMBDA_FUNCTION_NAME: component,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
  };
}
