/** Where the console stands on its server. */
export const CONSOLE = "/console";

export type Params = { readonly [name: string]: string | number | undefined | readonly string[] };

/** The address of a screen (`stream`, or empty for the overview), and what it is asked for. Undefined is left out. */
export function address(screen: string, params: Params | URLSearchParams = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of params instanceof URLSearchParams ? params : Object.entries(params)) {
    for (const each of Array.isArray(value) ? value : [value]) if (each !== undefined) query.append(name, String(each));
  }
  const asked = query.size === 0 ? "" : `?${query}`;
  return `${screen === "" ? CONSOLE : `${CONSOLE}/${screen}`}${asked}`;
}
