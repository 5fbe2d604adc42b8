import type { Alias } from "../domain/alias.ts";

/** One immutable build of a component. */
export type Version = {
  /** A Lambda version number, or the folder's number. */
  version: string;
  /** Of the code and its settings; equal hashes are the same build. 64 hexadecimal digits. */
  codeSha256: string;
  publishedAt: Date;
  description: string;
};

export type AliasTarget = { alias: Alias; version: string };

export type PublishedVersion = {
  version: Version /** False: the newest version has the same code already. */;
  isNew: boolean;
};

/** The versions of each component and which of them every alias points at. */
export interface VersionCatalog {
  /** Oldest first; empty for a component that has none. */
  versions(component: string): Promise<Version[]>;
  aliases(component: string): Promise<AliasTarget[]>;
  /**
   * Points an alias at a version.
   * @param expected the version it must point at now (null: nowhere yet); undefined moves it wherever it points
   * @returns false when the alias points elsewhere by now, and nothing was changed
   * @throws TurnoutError `not found` when the version doesn't exist
   */
  moveAlias(component: string, alias: Alias, version: string, expected?: string | null): Promise<boolean>;
}
