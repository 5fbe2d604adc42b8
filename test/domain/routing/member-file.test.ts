import { describe, expect, it } from "vitest";
import { readMemberFile } from "../../../shared/domain/routing/member-file.ts";
import { readShare, shareText } from "../../../shared/domain/routing/rollout.ts";

describe("a file of members", () => {
  it("is CSV under the header customer or project, each subject once", () => {
    expect(readMemberFile('\uFEFFcustomer\r\nacme\n"with, comma"\n\nacme\n')).toEqual({
      ok: true,
      value: { members: ["customer#acme", "customer#with, comma"], bad: [] },
    });
    expect(readMemberFile("project\nacme/site")).toMatchObject({ value: { members: ["project#acme/site"] } });
    expect(readMemberFile("user\nada")).toMatchObject({ value: { members: ["user#ada"] } });
  });

  it("is JSON objects, one per line or in an array", () => {
    const members = ["customer#acme", "project#p", "user#ada"];
    expect(readMemberFile('{"customer":"acme"}\n{"project":"p"}\n{"user":"ada"}\n')).toMatchObject({
      value: { members, bad: [] },
    });
    expect(readMemberFile('[{"customer":"acme"},{"project":"p"},{"user":"ada"}]')).toMatchObject({
      value: { members, bad: [] },
    });
  });

  it("names every line that can't be read", () => {
    const csv = readMemberFile("customer\ngood\n spaced\na,b\na\u0001b\n");
    expect(csv).toMatchObject({ value: { members: ["customer#good"] } });
    expect(csv.ok && csv.value.bad.map(({ where }) => where)).toEqual(["line 3", "line 4", "line 5"]);
    const json = readMemberFile('{"customer":"good"}\n{"plan":"paid"}\n{"customer":"a","project":"b"}\nnope\n');
    expect(json.ok && json.value.bad.map(({ where }) => where)).toEqual(["line 2", "line 3", "line 4"]);
  });

  it("refuses another header", () => {
    for (const text of ["acme\nglobex\n", "customer,plan\na,b\n", "plan\npaid\n"]) {
      expect(readMemberFile(text)).toEqual({
        ok: false,
        problem: expect.stringContaining("'customer', 'project' or 'user'"),
      });
    }
  });
});

describe("a share", () => {
  it("is read exactly, in steps of a hundredth of a percent", () => {
    for (let basisPoints = 0; basisPoints <= 10_000; basisPoints++) {
      expect(readShare(shareText(basisPoints))).toEqual({ ok: true, value: basisPoints });
    }
    expect(readShare("5 %")).toEqual({ ok: true, value: 500 });
    expect(readShare("05.10%")).toEqual({ ok: true, value: 510 });
  });

  it.each(["100.01%", "101%", "5", "0.05", "-1%", "1.001%", "1e1%", "%", "5%%", "0x5%", ".5%", ""])(
    "refuses %j",
    (text) => {
      expect(readShare(text).ok).toBe(false);
    },
  );
});
