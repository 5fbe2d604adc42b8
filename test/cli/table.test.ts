import { describe, expect, it, vi } from "vitest";
import { type Column, fitWidths, printTable } from "../../scripts/commands/terminal/table.ts";

const column = (about: Partial<Column<string>> = {}): Column<string> => ({ title: "", text: (row) => row, ...about });

describe("columns on a terminal", () => {
  it("keeps all of them whole where there is room", () => {
    expect(fitWidths([column({ least: 5 }), column()], [30, 10], [true, true], 42)).toEqual([30, 10]);
  });

  it("cuts the widest first, and none below what it needs", () => {
    const columns = [column({ least: 5 }), column({ least: 5 }), column()];
    expect(fitWidths(columns, [30, 12, 10], [true, true, true], 38)).toEqual([12, 12, 10]);
    expect(fitWidths(columns, [30, 12, 10], [true, true, true], 10)).toEqual([5, 5, 10]);
  });

  it("cuts what is said of a row before it cuts ids, however short that gets", () => {
    const columns = [column({ least: 5 }), column({ least: 6, cutFirst: true })];
    expect(fitWidths(columns, [30, 30], [true, true], 50)).toEqual([30, 18]);
    expect(fitWidths(columns, [30, 30], [true, true], 30)).toEqual([22, 6]);
  });

  it("leaves out optional ones before it cuts others to less than is comfortable", () => {
    const columns = [column({ optional: 2 }), column({ optional: 1 }), column({ least: 5 })];
    expect(fitWidths(columns, [36, 10, 60], [true, true, true], 60)).toEqual([0, 10, 48]);
    expect(fitWidths(columns, [36, 10, 60], [true, true, true], 20)).toEqual([0, 0, 20]);
  });

  it("leaves out columns in which nothing stands", () => {
    expect(fitWidths([column(), column()], [10, 7], [true, false], 80)).toEqual([10, 0]);
  });

  it.each(["acme", "日本", "A\u0308rger", "👍🏽", "🇩🇪"])("begin in one place after %s, which is whole", (text) => {
    const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    try {
      printTable([column({ title: "n" }), column({ title: "after", text: () => "|" })], [text]);
      const [line = ""] = write.mock.calls.map(([written]) => String(written).split("\n")[1]);
      expect(line).toBe(`${text}  |`);
    } finally {
      write.mockRestore();
    }
  });
});
