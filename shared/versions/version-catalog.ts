import type { Alias } from "../domain/routing/alias.ts";

/** One immutable build of a component. */
export type Version = {
  /** A Lambda version number, or the folder's number. */
  version: string;
  /**
   * Of a folder's code and handler, and of a Lambda version's code alone: on Lambda two versions of the same code may
   * differ in their settings. 64 hexadecimal digits.
   */
  codeSha256: string;
  publishedAt: Date;
  description: string;
};

export type AliasedVersion = {
  alias: Alias;
  version: string;
  /** Other versions that get a share of what goes to the alias, from 0 to 1. Turnout sets none, and moves no such alias. */
  alsoTo?: Record<string, number>;
};

export type PublishedVersion = {
  version: Version /** False: the newest version has the same code already. */;
  isNew: boolean;
};

/** Code that is to be a version, and would have this number: where it is, how it is entered, and its digest. */
export type NewCode = { component: string; version: string; folder: string; handler: string; codeSha256: string };

/** What keeps code from being loaded, and where in it, as far as that is known; the file is relative to its folder. */
export type LoadProblem = { type: string; message: string; file?: string; line?: number };

/** Loads code as the first event for it would, and ends it; undefined when its handler could be called. */
export type LoadCode = (code: NewCode) => Promise<LoadProblem | undefined>;

/** The versions of each component and which of them every alias points at. */
export interface VersionCatalog {
  /** Oldest first; empty for a component that has none. */
  versions(component: string): Promise<Version[]>;
  aliases(component: string): Promise<AliasedVersion[]>;
  /**
   * Points an alias at a version.
   * @param expected the version it must point at now (null: nowhere yet); undefined moves it wherever it points
   * @returns false when the alias points elsewhere by now, or at several versions, and nothing was changed
   * @throws TurnoutError `not found` when the version doesn't exist, `not allowed` when the caller may not move it: then
   *   nothing was changed. After any other error the alias may have been moved.
   */
  moveAlias(component: string, alias: Alias, version: string, expected?: string | null): Promise<boolean>;
  /**
   * Deletes a version for good.
   * @returns false when an alias points at it, and nothing was changed; true also when it isn't there (any more)
   */
  removeVersion(component: string, version: string): Promise<boolean>;
}
