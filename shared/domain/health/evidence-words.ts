/** From here on nobody is told more closely how improbable it is. */
const BEYOND = 6;

/** Powers beyond this say no more to anybody. */
const MOST_DIGITS = 99;

/** Evidence, a power of ten, as odds against chance: `320 to 1`. What speaks for a version is none against it. */
export function oddsText(evidence: number | undefined): string {
  if (evidence === undefined || Number.isNaN(evidence)) return "not known";
  if (evidence >= BEYOND) return "over a million to 1";
  const odds = 10 ** evidence;
  return odds < 1.05 ? "none" : `${roundText(odds)} to 1`;
}

/**
 * Evidence against a version in words, with the numbers for whoever wants them: an E-value of so much is ever had of one
 * that is no worse with a chance of at most one in that (Ville 1939).
 */
export function chanceText(evidence: number): string {
  const numbers = `E = ${powerText(evidence)}, p ≤ ${powerText(-evidence)}`;
  const odds = evidence >= BEYOND ? "a million" : roundText(Math.max(1, 10 ** evidence));
  return `of versions that are no worse at most 1 in ${odds} ever looks so: ${numbers}`;
}

function roundText(odds: number): string {
  return odds < 10 ? odds.toFixed(1) : Number(odds.toPrecision(2)).toLocaleString("en");
}

/** Ten to so much, e.g. `10^5.2`. */
function powerText(exponent: number): string {
  return `10^${Math.max(-MOST_DIGITS, Math.min(MOST_DIGITS, exponent)).toFixed(1)}`;
}
