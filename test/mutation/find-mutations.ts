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
  edit: Edit;
};

/**
 * What a piece of code from `start` to `end` is replaced by. `around` is the smallest expression or statement that can be
 * chosen as a whole: within a chain of `?.` that is the chain.
 */
type Edit = Piece & { by: string; shown: string; around: Piece };
type Piece = { start: number; end: number };

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

/** What a call can be made on without brackets. */
const STANDS_ALONE: ReadonlySet<string> = new Set([
  "Identifier",
  "MemberExpression",
  "CallExpression",
  "ThisExpression",
]);

/** Every mutation of a TypeScript file. Texts are left alone: they are what people read. */
export function mutationsOf(file: string, source: string): Mutation[] {
  const code = stripTypeScriptTypes(source);
  const lines = source.split("\n");
  const found: Mutation[] = [];
  const visit = (node: AnyNode, chain: Piece | undefined) => {
    for (const edit of editsOf(node, code, chain)) {
      const { start, end, shown } = edit;
      const line = code.slice(0, start).split("\n").length;
      const short = (text: string) => text.replace(/\s+/g, " ").slice(0, 70);
      const what = `${short(code.slice(start, end))} → ${short(shown)}`;
      found.push({ file, line, text: (lines[line - 1] ?? "").trim(), what, edit });
    }
    for (const child of childrenOf(node)) visit(child, chainAt(child, node, chain));
  };
  visit(parse(code, { ecmaVersion: "latest", sourceType: "module" }) as unknown as AnyNode, undefined);
  return found;
}

/** The chain of `?.` whose link the child is, if any: what it is called with, and what it looks up by, is no link. */
function chainAt(child: AnyNode, parent: AnyNode, chain: Piece | undefined): Piece | undefined {
  if (child.type === "ChainExpression") return child;
  const isLink = parent.type === "ChainExpression" || parent.callee === child || parent.object === child;
  return isLink ? chain : undefined;
}

/** The file's whole text with the mutation made, as JavaScript. */
export function mutated(source: string, { edit }: Mutation): string {
  const code = stripTypeScriptTypes(source);
  return code.slice(0, edit.start) + edit.by + code.slice(edit.end);
}

/** The file's whole text with all of its mutations in it, each made while `globalThis.isMutant` says so of its number. */
export function switchable(source: string, mutations: readonly { id: number; mutation: Mutation }[]): string {
  const code = stripTypeScriptTypes(source);
  const rangeOf = ({ start, end }: Piece) => `${start} ${end}`;
  const edits = Map.groupBy(mutations, ({ mutation }) => rangeOf(mutation.edit.around));
  const turns = new Map(loopBodies(code).map((body) => [rangeOf(body), body]));
  const places = [...new Set([...edits.keys(), ...turns.keys()])]
    .map((range) => {
      const [start = 0, end = 0] = range.split(" ").map(Number);
      return { around: { start, end }, edits: edits.get(range) ?? [], isTurn: turns.has(range) };
    })
    .sort((a, b) => a.around.start - b.around.start || b.around.end - a.around.end);
  let next = 0;
  const written = ({ start, end }: Piece): string => {
    let text = "";
    let from = start;
    for (let place = places[next]; place !== undefined && place.around.start < end; place = places[next]) {
      next++;
      const inside = chosen(code, place.edits, written(place.around));
      text += code.slice(from, place.around.start) + (place.isTurn ? `{ globalThis.turn(); ${inside} }` : inside);
      from = place.around.end;
    }
    return text + code.slice(from, end);
  };
  return written({ start: 0, end: code.length });
}

/** What each loop does over and over: a mutant that never leaves one is stopped there. */
function loopBodies(code: string): Piece[] {
  const found: Piece[] = [];
  const visit = (node: AnyNode) => {
    if (/^(For|ForOf|ForIn|While|DoWhile)Statement$/.test(node.type)) found.push(node.body as Node);
    for (const child of childrenOf(node)) visit(child);
  };
  visit(parse(code, { ecmaVersion: "latest", sourceType: "module" }) as unknown as AnyNode);
  return found;
}

function chosen(code: string, edits: readonly { id: number; mutation: Mutation }[], original: string): string {
  return edits.reduce((otherwise, { id, mutation: { edit } }) => {
    const { start, end, by, around } = edit;
    if (by === ";") return `{ if (!globalThis.isMutant(${id})) { ${otherwise} } }`;
    const changed = code.slice(around.start, start) + by + code.slice(end, around.end);
    return `(globalThis.isMutant(${id}) ? (${changed}) : (${otherwise}))`;
  }, original);
}

function childrenOf(node: AnyNode): AnyNode[] {
  if (node.type === "ImportDeclaration") return [];
  return Object.values(node)
    .flat()
    .filter((value): value is AnyNode => typeof value === "object" && value !== null && "type" in value);
}

function editsOf(node: AnyNode, code: string, chain: Piece | undefined): Edit[] {
  const textOf = (part: unknown) => code.slice((part as Node).start, (part as Node).end);
  const instead = (part: unknown, ...texts: string[]): Edit[] => {
    const { start, end } = part as Node;
    const bracketed = (text: string) => (text === ";" ? text : `(${text})`);
    return texts.map((shown) => ({ start, end, by: bracketed(shown), shown, around: { start, end } }));
  };
  switch (node.type) {
    case "BinaryExpression":
    case "LogicalExpression":
      return (OPERATORS[String(node.operator)] ?? []).flatMap((operator) => {
        const [left, right] = [textOf(node.left), textOf(node.right)];
        const [edit] = instead(node, `${left} ${operator} ${right}`);
        return edit === undefined ? [] : [{ ...edit, by: `((${left}) ${operator} (${right}))` }];
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
      return "directive" in node ? [] : instead(node, ";");
    case "CallExpression":
      return callEdits(node, textOf).map((edit) => ({ ...edit, around: chain ?? node }));
    default:
      return [];
  }
}

function callEdits(node: AnyNode, textOf: (part: unknown) => string): Omit<Edit, "around">[] {
  const callee = node.callee as AnyNode;
  if (callee.type !== "MemberExpression" || callee.computed === true) return [];
  const property = callee.property as AnyNode;
  const name = String(property.name);
  const other = METHODS.get(name);
  if (other !== undefined) return [{ start: property.start, end: property.end, by: other, shown: other }];
  if (!DROPPED.has(name)) return [];
  const { start, end } = node;
  const on = textOf(callee.object);
  return [{ start, end, by: STANDS_ALONE.has((callee.object as AnyNode).type) ? on : `(${on})`, shown: on }];
}
