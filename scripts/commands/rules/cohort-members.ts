import { TurnoutError } from "../../../shared/domain/errors.ts";
import { type MemberLevel, memberLevels, readMemberFile } from "../../../shared/domain/routing/member-file.ts";
import type { SubjectKey } from "../../../shared/domain/subject.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { keyInWords, splitKey } from "../../../shared/domain/text/split-key.ts";
import { NAMED } from "../../../shared/flows/change/measure-effect.ts";
import { notInDirectory } from "../../../shared/flows/explain/find-subjects.ts";
import type { MadeChanges } from "../../../shared/installation/changes/asked-change.ts";
import { unknownWarnings } from "../../../shared/installation/wording/named-subjects.ts";
import type { CommandWords } from "../../../shared/installation/wording/shell-quote.ts";
import { undoByRevert } from "../../../shared/installation/wording/undo-commands.ts";
import { changeRouting } from "../changes/change-routing.ts";
import { complainLine } from "../terminal/complain.ts";
import { withInstallation } from "../terminal/context.ts";
import { endPartlyDone } from "../terminal/exit-codes.ts";
import { type ChangeOptions, usage } from "../terminal/options.ts";
import { mustRead, readInput } from "../terminal/read-input.ts";

type MemberOptions = ChangeOptions & { [level in MemberLevel]?: string[] } & { from?: string; skipBad?: true };

const MEMBERS_HOLD = [
  "it is a member for events that name it themselves",
  "they are members for events that name them themselves",
] as const;

export function add(cohort: string, options: MemberOptions): Promise<void> {
  return setMembers(cohort, true, options);
}

export function drop(cohort: string, options: MemberOptions): Promise<void> {
  return setMembers(cohort, false, options);
}

async function setMembers(cohort: string, member: boolean, options: MemberOptions): Promise<void> {
  const { members, bad } = await statedMembers(options);
  const who = members.length === 1 ? members.map(keyInWords).join() : plural(members.length, "subject");
  await withInstallation(async (installation) => {
    const unknown = member ? await notInDirectory(installation.routingTable, members) : [];
    await changeRouting(installation, options, {
      edit: { kind: "set members", cohort, members, member },
      what: member ? `add ${who} to cohort ${cohort}` : `drop ${who} from cohort ${cohort}`,
      alreadySo: `${who} ${members.length === 1 ? "is" : "are"} ${member ? "in" : "out of"} cohort ${cohort} already`,
      details: (rows) =>
        members.length === 1 ? [] : [`${rows.length} of ${plural(members.length, "subject")} would change`],
      warnings: unknownWarnings(unknown, ...MEMBERS_HOLD),
      undo: (made) => undoOf(cohort, member, made),
      now: new Date(),
    });
  });
  if (bad > 0) endPartlyDone();
}

/** Each subject once. @throws TurnoutError for a file with lines that can't be read, without `--skip-bad` */
async function statedMembers(options: MemberOptions) {
  const { from, skipBad } = options;
  const named = memberLevels.flatMap((level) => (options[level] ?? []).map((id): SubjectKey => `${level}#${id}`));
  if (from === undefined) {
    if (named.length === 0) throw usage("Name --user, --project, --customer, or a file with --from.");
    return { members: [...new Set(named)], bad: 0 };
  }
  if (named.length > 0) throw usage("Name --from, or --user, --project and --customer, not both.");
  const { name, text } = await readInput(from);
  const { members, bad } = mustRead(readMemberFile(text), name);
  for (const { where, problem } of bad) complainLine(`${name}, ${where}: ${problem}.`);
  if (bad.length > 0 && (!skipBad || members.length === 0)) {
    throw new TurnoutError(
      "failed",
      `Nothing was changed: ${plural(bad.length, "line")} of ${name} can't be read. Correct them, or add --skip-bad.`,
    );
  }
  if (members.length === 0) throw new TurnoutError("failed", `${name} has a header and no lines.`);
  return { members, bad: bad.length };
}

/** Only who was moved in or out is moved back. */
function undoOf(cohort: string, member: boolean, { revisions, rows }: MadeChanges): CommandWords {
  if (rows.length > NAMED) return undoByRevert(revisions);
  const named = rows.flatMap(({ key }) => {
    const [level, id] = splitKey(key);
    return [`--${level}`, id];
  });
  const reason = ["--reason", `undo of revision ${revisions.join(", ")}`];
  return ["cohort", member ? "drop" : "add", cohort, ...named, ...reason];
}
