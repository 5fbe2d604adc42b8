import { emitKeypressEvents } from "node:readline";
import { printable } from "../../../shared/domain/text/printable.ts";
import type { Arrivals, ShownEvent } from "./listen-view.ts";

export type KeyOptions = {
  events: Arrivals;
  /** Runs an event once more. */
  onAgain: (event: ShownEvent) => void;
  /** Ctrl-C or q. */
  onEnd: () => void;
};

/** The last line of a terminal: which event is selected, and what the keys do. All else is printed above it. */
export function listenKeys({ events, onAgain, onEnd }: KeyOptions) {
  const { stdin, stdout } = process;
  /** Undefined: the newest, whichever that is. */
  let selected: number | undefined;

  const chosen = () => events.all().find(({ number }) => number === selected) ?? events.all().at(-1);
  const clear = () => void stdout.write("\r\x1b[K");

  function draw(): void {
    const event = chosen();
    const about = event === undefined ? "waits for events" : `#${event.number} ${event.record.detailType}`;
    const keys = event === undefined ? "Ctrl-C ends it" : "↑↓ chooses, r runs it again, Ctrl-C ends it";
    stdout.write(`\r\x1b[K${printable(`${about}  ${keys}`).slice(0, (stdout.columns ?? 80) - 1)}`);
  }

  function move(by: number): void {
    const all = events.all();
    const event = chosen();
    const at = event === undefined ? -1 : all.indexOf(event);
    const next = all[Math.max(0, Math.min(all.length - 1, at + by))];
    selected = next === all.at(-1) ? undefined : next?.number;
    draw();
  }

  function press(_text: string | undefined, key: { name?: string; ctrl?: boolean }): void {
    const event = chosen();
    if ((key.ctrl && key.name === "c") || key.name === "q") onEnd();
    else if (key.name === "up") move(-1);
    else if (key.name === "down") move(1);
    else if (key.name === "r" && event !== undefined) onAgain(event);
  }

  emitKeypressEvents(stdin);
  stdin.setRawMode(true).resume().on("keypress", press);
  draw();
  return {
    print(line: string): void {
      clear();
      stdout.write(`${line}\n`);
      draw();
    },
    close(): void {
      clear();
      stdin.off("keypress", press).setRawMode(false).pause();
    },
  };
}
