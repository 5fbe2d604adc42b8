export type TextTest = (text: string) => boolean;

/**
 * A character of a pattern in any case: the codes that it may have, and its other case where that is longer: `SS` for `ß`.
 * No longer form begins or ends with one of the codes, so that there is never a choice to come back to.
 */
type AnyCase = { codes: readonly number[]; longer: string | undefined };

/** Character by character, as EventBridge does it. */
function charactersOf(other: string): AnyCase[] {
  return other.split("").map((unit) => {
    const cases = [unit, unit.toLowerCase(), unit.toUpperCase()];
    const codes = cases.filter(({ length }) => length === 1).map((form) => form.charCodeAt(0));
    return { codes: [...new Set(codes)], longer: cases.find(({ length }) => length > 1) };
  });
}

/** Where `other` ends that a text begins with, in any case; -1 if it doesn't. */
export function inAnyCase(other: string): (text: string) => number {
  const characters = charactersOf(other);
  return (text) => {
    let at = 0;
    for (const { codes, longer } of characters) {
      if (codes.includes(text.charCodeAt(at))) at++;
      else if (longer !== undefined && text.startsWith(longer, at)) at += longer.length;
      else return -1;
    }
    return at;
  };
}

/** Where `other` begins that a text ends with, in any case; -1 if it doesn't. */
export function inAnyCaseAtEnd(other: string): (text: string) => number {
  const characters = charactersOf(other).reverse();
  return (text) => {
    let at = text.length;
    for (const { codes, longer } of characters) {
      if (codes.includes(text.charCodeAt(at - 1))) at--;
      else if (longer !== undefined && text.endsWith(longer, at)) at -= longer.length;
      else return -1;
    }
    return at;
  };
}

/**
 * Matches the texts between wildcards, each at the first place where it fits. Taking the first place never loses a
 * match, so nothing is ever tried twice: time grows with the text's length alone.
 */
export function piecesInOrder(pieces: string[]): TextTest {
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  if (pieces.length === 1) return (text) => text === first;
  const finders = pieces.slice(1, -1).map(finderOf);
  return (text) => {
    const end = text.length - last.length;
    if (first.length > end || !text.startsWith(first) || !text.endsWith(last)) return false;
    let from = first.length;
    for (const find of finders) {
      from = find(text, from, end);
      if (from === -1) return false;
    }
    return true;
  };
}

/**
 * Finds where the first occurrence of `piece` between two indexes ends, or -1. Knuth, Morris and Pratt's search:
 * `indexOf` takes seconds for a megabyte of text that is made to look like the piece.
 */
function finderOf(piece: string): (text: string, from: number, to: number) => number {
  // borders[n]: how much of the piece's beginning the first n characters end with.
  const borders = [0, 0];
  for (let index = 1, matched = 0; index < piece.length; index++) {
    while (matched > 0 && piece[index] !== piece[matched]) matched = borders[matched] ?? 0;
    if (piece[index] === piece[matched]) matched++;
    borders.push(matched);
  }
  return (text, from, to) => {
    for (let index = from, matched = 0; index < to; index++) {
      const unit = text.charCodeAt(index);
      while (matched > 0 && unit !== piece.charCodeAt(matched)) matched = borders[matched] ?? 0;
      if (unit === piece.charCodeAt(matched)) matched++;
      if (matched === piece.length) return index + 1;
    }
    return -1;
  };
}
