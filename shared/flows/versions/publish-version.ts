import type { Alias } from "../../domain/routing/alias.ts";
import type { AliasMove } from "../../domain/routing/alias-move.ts";
import type { Component } from "../../domain/routing/component.ts";
import type { Revision } from "../../domain/routing/routing-change.ts";
import type { VersionCatalog } from "../../versions/version-catalog.ts";
import { type MovePreview, type MoveReaders, previewMove } from "../change/preview-move.ts";
import { versionBehind } from "./component-named.ts";
import { type MovePorts, type MoveRequest, moveAlias } from "./move-alias.ts";

export type PublicationPlan = {
  /** Where the alias points, if one is to move. */
  from: string | null;
  /** Of the alias to the version, whose number isn't known before it is published. */
  move: AliasMove | undefined;
  /** Whom the move gives another version. */
  preview: MovePreview | undefined;
};

/** What a publication has come to. `moved`: the move that was made, and the revision at which it is settled. */
export type Publication<V> = { version: V; moved: { move: AliasMove; revision: Revision } | undefined };

/** Who publishes, why, with which command; and the revision it was planned on, if that matters. */
export type Publisher = Pick<MoveRequest, "who" | "why" | "command" | "force" | "expectedRevision">;

/** Stands in for the number of a version that is yet to be published. */
const TO_COME = "its new version";

/**
 * Works out what the publication of a component's code does. Changes nothing.
 * @param alias that is to move to the version; null: none is
 * @param publishedAs the version that has this very code already
 * @throws AliasNotFound
 */
export async function planPublication(
  { catalog, ...readers }: MoveReaders & { catalog: Pick<VersionCatalog, "aliases"> },
  component: Component,
  alias: Alias | null,
  publishedAs: string | undefined,
  now: Date,
): Promise<PublicationPlan> {
  if (alias === null) return { from: null, move: undefined, preview: undefined };
  const from = await versionBehind(catalog, component, alias);
  if (from === publishedAs) return { from, move: undefined, preview: undefined };
  const move = { component: component.name, alias, from, to: publishedAs ?? TO_COME };
  return { from, move, preview: await previewMove(readers, move, "publish", now) };
}

/**
 * Publishes the code, and then moves the alias: a publication that fails moves nothing, and a move that fails leaves a
 * version that nobody is on.
 * @throws what `publish` and `moveAlias` throw
 */
export async function publishVersion<V extends { version: string }>(
  ports: MovePorts & MoveReaders & { now: () => Date },
  { from, move: planned, preview }: PublicationPlan,
  publish: (now: Date) => Promise<V>,
  by: Publisher,
): Promise<Publication<V>> {
  const version = await publish(ports.now());
  // Somebody else may have published the same in between, and moved the alias to it.
  if (planned === undefined || from === version.version) return { version, moved: undefined };
  const move = { ...planned, to: version.version };
  const checked = preview === undefined ? {} : { checked: preview };
  const { settled } = await moveAlias(ports, { move, kind: "publish", ...checked, ...by, at: ports.now() });
  return { version, moved: { move, revision: settled } };
}
