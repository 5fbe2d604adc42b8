import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Thirteen releasers, one for each place that sites are released to. Which one a project has stands in its row: it is
 * pinned to the alias of that name.
 */

type Event = { turnout: { idempotencyKey: string }; detail: { repository: { full_name: string } } };
type Handler = (event: Event) => Promise<object>;

const places = [
  "s3",
  "cdn",
  "edge",
  "pages",
  "ftp",
  "sftp",
  "git",
  "npm",
  "azure",
  "gcs",
  "akamai",
  "on-prem",
  "mirror",
];

/** The ids of the releasers, from `releaser-01` on. */
export const releaserIds = places.map((_, index) => `releaser-${String(index + 1).padStart(2, "0")}`);

/** Handlers by the releaser's id without its hyphen: a handler's name is a word. */
export const by: Record<string, Handler> = Object.fromEntries(
  places.map((place, index) => [handlerOf(releaserIds[index] ?? ""), releaseTo(place)]),
);

export function handlerOf(id: string): string {
  return id.replace("-", "");
}

function releaseTo(place: string): Handler {
  return async ({ turnout, detail }) => {
    const folder = process.env.RELEASER_STATE ?? ".";
    const release = { project: detail.repository.full_name, place };
    mkdirSync(folder, { recursive: true });
    // One file for a key, however often its event comes.
    writeFileSync(join(folder, `${turnout.idempotencyKey.replace("#", "-")}.json`), JSON.stringify(release));
    console.log(`released ${release.project} to ${place}`);
    return release;
  };
}
