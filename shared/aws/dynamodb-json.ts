import { marshall, NumberValueImpl, unmarshall } from "@aws-sdk/util-dynamodb";

export type Document = Record<string, unknown>;

/** An item as DynamoDB's JSON has it: as the SDK has it, but for bytes, which are in base64. */
export type WireItem = Record<string, WireValue>;
type WireValue = { S?: string; N?: string; B?: string; BS?: string[]; L?: WireValue[]; M?: WireItem };

/**
 * A number beyond what JavaScript has exactly comes as it is written. The SDK would throw, and one such attribute of one
 * damaged item would cost the whole answer.
 */
export const anyNumber = {
  wrapNumbers: (text: string): unknown =>
    Math.abs(Number(text)) <= Number.MAX_SAFE_INTEGER ? Number(text) : NumberValueImpl.from(text),
};

/** A document as DynamoDB's JSON, as text. What is undefined is left out. */
export function itemText(document: Document): string {
  let text = "";
  for (const [name, value] of Object.entries(document)) {
    if (value !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(name)}:${valueText(value)}`;
  }
  return `{${text}}`;
}

/** As the document client has it by default; quicker for what our items are made of. */
export function valueText(value: unknown): string {
  if (typeof value === "string") return `{"S":${JSON.stringify(value)}}`;
  if (typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return `{"N":"${value}"}`;
  if (value instanceof Uint8Array) return `{"B":"${base64(value)}"}`;
  // Among parameters, for DynamoDB to refuse.
  if (value === undefined) return "null";
  return JSON.stringify(withBytes(marshall(value as never, { convertTopLevelContainer: true }) as never, base64));
}

export function documentOf(item: WireItem | undefined): Document | undefined {
  return item && mapped(item, valueIn);
}

function valueIn(value: WireValue): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return anyNumber.wrapNumbers(value.N);
  return unmarshall(withBytes(value, bytes) as never, { convertWithoutMapWrapper: true, ...anyNumber });
}

type ValueWithBytes<B> = { B?: B; BS?: B[]; L?: ValueWithBytes<B>[]; M?: Record<string, ValueWithBytes<B>> };

/** The value with whatever bytes are in it in another form: the SDK has them as bytes, and the wire as text. */
function withBytes<A, B>(value: ValueWithBytes<A>, form: (bytes: A) => B): object {
  if (value.B !== undefined) return { B: form(value.B) };
  if (value.BS !== undefined) return { BS: value.BS.map(form) };
  if (value.L !== undefined) return { L: value.L.map((one) => withBytes(one, form)) };
  if (value.M !== undefined) return { M: mapped(value.M, (one) => withBytes(one, form)) };
  return value;
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

function mapped<A, B>(record: Record<string, A>, each: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, each(value)]));
}
