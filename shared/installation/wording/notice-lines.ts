import type { EventRecord } from "../../domain/deliveries/delivery.ts";
import { NOTICE_SOURCE, type NoticeType, noticeDetails } from "../../domain/notices/notice.ts";
import { read, readJson } from "../../domain/text/schema.ts";
import { commandLine } from "./shell-quote.ts";

/** The commands that one of Turnout's notices names, as lines for a shell; `acts`: undefined where nothing is left to do. */
export type NoticeLines = { looks: string; acts?: string };

/** Undefined for any other event, and for one that only looks like a notice. */
export function noticeLines({ source, detailType, body }: NoticeRecord): NoticeLines | undefined {
  if (source !== NOTICE_SOURCE || !Object.hasOwn(noticeDetails, detailType)) return undefined;
  const event = readJson(body);
  if (!event.ok) return undefined;
  const { detail } = (event.value ?? {}) as { detail?: unknown };
  const notice = read<{ command: string[]; acts: string[] | null }>(noticeDetails[detailType as NoticeType], detail);
  if (!notice.ok) return undefined;
  const { command, acts } = notice.value;
  return { looks: lineOf(command), ...(acts !== null && { acts: lineOf(acts) }) };
}

type NoticeRecord = Pick<EventRecord, "source" | "detailType" | "body">;

/** For the environment that is looked at: the words begin with Turnout's own name. */
function lineOf([_turnout, ...words]: readonly string[]): string {
  return commandLine(...words);
}
