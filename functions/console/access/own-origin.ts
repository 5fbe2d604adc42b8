/**
 * Why a request isn't taken, going by its head; undefined when nothing is against it. A page of somebody else can point
 * its own host name at this machine, and can post forms here: both show in headers that no page can change.
 * @param hosts the names that the console goes by, without a port
 */
export function foreignRequest({ method, url, headers }: Request, hosts: ReadonlySet<string>): string | undefined {
  const host = headers.get("host") ?? new URL(url).host;
  if (!hosts.has(host.replace(/:\d*$/, "").toLowerCase())) {
    return `The console isn't served as '${host}'. Use ${[...hosts].join(" or ")} in the address.`;
  }
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site") ?? "none";
  const isOwn = (origin === null || isOriginOf(origin, host)) && (site === "none" || site === "same-origin");
  if (isOwn) return undefined;
  // A link from elsewhere is followed: what it leads to changes nothing, and says nothing without the cookie.
  const isLink = method === "GET" && origin === null && headers.get("sec-fetch-mode") === "navigate";
  return isLink ? undefined : "A page of another origin may not use the console.";
}

function isOriginOf(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}
