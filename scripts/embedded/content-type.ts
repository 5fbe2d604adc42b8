/** What a Content-Type says. Both parts are in lower case. */
export type ContentType = { media: string; charset: string | undefined };

export function readContentType(header: string | undefined): ContentType {
  const [media = "", ...parameters] = (header ?? "").split(";");
  const charset = parameters.map((text) => /^\s*charset\s*=\s*"?([^\s"]*)"?\s*$/i.exec(text)?.[1]).find(Boolean);
  return { media: media.trim().toLowerCase(), charset: charset?.toLowerCase() };
}

/** Whether text in this charset can be read as UTF-8, which is what is stored. */
export function isReadAsUtf8({ charset }: ContentType): boolean {
  return charset === undefined || ["utf-8", "utf8", "us-ascii"].includes(charset);
}

/** JSON, or a format made of it such as `application/problem+json`. */
export function isJson({ media }: ContentType): boolean {
  return /^(application|text)\/json$|\+json$/.test(media);
}

/** What people read: text and XML. */
export function isText({ media }: ContentType): boolean {
  return /^text\/|\/xml$|\+xml$/.test(media);
}
