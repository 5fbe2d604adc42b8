import { stripTypeScriptTypes } from "node:module";
import { type Node, parse } from "acorn";

/** One small change to a file that some test should notice. */
export type Mutation = {
  file: string;
  line: number;
  /** The line as it is, without what is around it. */
  text: string;
  /** E.g. `a < b → a <= b`. */
  what: string;
  /** The file's whole text, changed, as JavaScript. */
  code: string;
};

/** What a piece of code from `start` to `end` is replaced by. */
type Edit = { start: number; end: number; by: string };

type AnyNode = Node & Record<string, unknown>;

const OPERATORS: Record<string, readonly string[]> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "&&": ["||"],
  "||": ["&&"],
  "??": ["&&"],
};

const METHODS: ReadonlyMap<string, string> = new Map([
  ["every", "some"],
  ["some", "every"],
  ["min", "max"],
  ["max", "min"],
  ["floor", "ceil"],
  ["ceil", "floor"],
  ["startsWith", "endsWith"],
  ["endsWith", "startsWith"],
  ["findLast", "find"],
  ["findLastIndex", "findIndex"],
]);

/** Calls that are left out, so that what they are called on goes on as it is. */
const DROPPED: ReadonlySet<string> = new Set(["filter", "slice", "sort", "toSorted", "reverse", "toReversed", "trim"]);

/** Every mutation of a TypeScript file. Texts are left alone: they are what people read. */
export function mutationsOf(file: string, source: string): Mutation[] {
  const code = stripTypeScriptTypes(source);
  const lines = source.split("\n");
  const found: Mutation[] = [];
  const visit = (node: AnyNode) => {
    for (const { start, end, by } of editsOf(node, code)) {
      const line = code.slice(0, start).split("\n").length;
      const short = (text: string) => text.replace(/\s+/g, " ").slice(0, 70);
      found.push({
        file,
        line,
        text: (lines[line - 1] ?? "").trim(),
        what: `${short(code.slice(start, end))} → ${by === "" ? "nothing" : short(by)}`,
        code: code.slice(0, start) + by + code.slice(end),
      });
    }
    for (const child of childrenOf(node)) visit(child);
  };
  visit(parse(code, { ecmaVersion: "latest", sourceType: "module" }) as unknown as AnyNode);
  return found;
}

function childrenOf(node: AnyNode): AnyNode[] {
  if (node.type === "ImportDeclaration") return [];
  return Object.values(node)
    .flat()
    .filter((value): value is AnyNode => typeof value === "object" && value !== null && "type" in value);
}

function editsOf(node: AnyNode, code: string): Edit[] {
  const { start, end } = node;
  const textOf = (part: unknown) => code.slice((part as Node).start, (part as Node).end);
  const instead = (part: unknown, ...by: string[]): Edit[] => {
    const { start: from, end: to } = part as Node;
    return by.map((text) => ({ start: from, end: to, by: text }));
  };
  switch (node.type) {
    case "BinaryExpression":
    case "LogicalExpression":
      return (OPERATORS[String(node.operator)] ?? []).map((operator) => {
        return { start, end, by: `${textOf(node.left)} ${operator} ${textOf(node.right)}` };
      });
    case "UnaryExpression":
      return node.operator === "!" || node.operator === "-" ? instead(node, textOf(node.argument)) : [];
    case "ConditionalExpression":
    case "IfStatement":
      return instead(node.test, "true", "false");
    case "WhileStatement":
      return instead(node.test, "false");
    case "Literal":
      if (typeof node.value === "boolean") return instead(node, String(!node.value));
      return typeof node.value === "number" ? instead(node, String(node.value + 1)) : [];
    case "ExpressionStatement":
      return "directive" in node ? [] : [{ start, end, by: ";" }];
    case "CallExpression":
      return callEdits(node, textOf);
    default:
      return [];
  }
}

function callEdits(node: AnyNode, textOf: (part: unknown) => string): Edit[] {
  const callee = node.callee as AnyNode;
  if (callee.type !== "MemberExpression" || callee.computed === true) return [];
  const property = callee.property as AnyNode;
  const name = String(property.name);
  const other = METHODS.get(name);
  if (other !== undefined) return [{ start: property.start, end: property.end, by: other }];
  return DROPPED.has(name) ? [{ start: node.start, end: node.end, by: textOf(callee.object) }] : [];
}
