import { subjectLevels } from "../../../shared/domain/subject.ts";

/**
 * What stands in a field, without the space around it that slips in. A subject's id is taken as it is: ids are compared
 * byte for byte, and `acme` is somebody else than `acme` with a space behind it. Empty where nothing is seen.
 */
export function filledIn(name: string, value: string): string {
  const trimmed = value.trim();
  return trimmed !== "" && subjectLevels.some((level) => level === name) ? value : trimmed;
}
