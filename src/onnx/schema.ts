/**
 * Tables that describe Protocol Buffers messages: one entry per field, checked by the compiler against
 * the interface of the message. `decode` and `encode` are driven by them, so there is no generated
 * code, and the limits for untrusted input sit in the one loop that reads bytes.
 */

/** What every decoded message may carry besides its fields. */
export interface Message {
  /** Fields that the schema does not know, tag included, as they were read; encode writes them back. */
  unknown?: Uint8Array[];
}

/** What repeated numbers are read into: a typed array, or an array of numbers. */
export interface NumberLists {
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  floats: number[];
  ints: number[];
}

export type NumberListType = keyof NumberLists;

type Kind =
  | { readonly kind: 'int' } // any integer or enum, as a number: beyond 2^53 it is rounded
  | { readonly kind: 'float' }
  | { readonly kind: 'text' }
  | { readonly kind: 'bytes' } // a view of the input, not a copy
  | { readonly kind: 'message'; readonly schema: () => Schema }
  | { readonly kind: 'numbers'; readonly type: NumberListType };

/** A field of value type V; `value` exists for the compiler only. */
export type FieldSpec<V> = Kind & {
  readonly no: number;
  /** Whether it is a list of values of the kind; 'numbers' are one value. */
  readonly many: boolean;
  readonly value?: V;
};

export type Field = FieldSpec<unknown> & {
  readonly name: string;
  readonly wireType: WireType;
  /** What it may cost in memory next to a number. */
  readonly cost: number;
};

/** Objects cost most, however small. */
const costs = { int: 1, float: 1, text: 4, bytes: 8, message: 8, numbers: 8 } as const;

/** Of a field that is in no schema. */
export const unknownCost = costs.bytes;

/** Fields of a message of type T. */
export interface Schema<T = Message> {
  /** In ascending order of their numbers. */
  readonly fields: readonly Field[];
  readonly byNumber: readonly (Field | undefined)[];
  /** A message without any field: all of them undefined, so that messages of a type are objects of one shape. */
  readonly empty: Readonly<Record<string, undefined>>;
  readonly value?: T;
}

export const wireTypes = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;
export type WireType = (typeof wireTypes)[keyof typeof wireTypes];

/** Wire type of one value; of one element for 'numbers', which may also come packed. */
function wireTypeOf(spec: Kind): WireType {
  if (spec.kind === 'int') return wireTypes.varint;
  if (spec.kind === 'float') return wireTypes.fixed32;
  if (spec.kind !== 'numbers') return wireTypes.delimited;
  if (spec.type === 'float64') return wireTypes.fixed64;
  return spec.type === 'float32' || spec.type === 'floats' ? wireTypes.fixed32 : wireTypes.varint;
}

type Known<T> = Exclude<keyof T, keyof Message>;

/** Makes a schema; every field of T must have an entry of its type. */
export function schema<T extends Message>(
  table: {
    readonly [K in Known<T>]-?: FieldSpec<NonNullable<T[K]>>;
  },
): Schema<T> {
  const fields = Object.entries<FieldSpec<unknown>>(table)
    .map(
      ([name, spec]): Field => ({
        ...spec,
        name,
        wireType: wireTypeOf(spec),
        cost: costs[spec.kind],
      }),
    )
    .sort((a, b) => a.no - b.no);
  const byNumber: (Field | undefined)[] = [];
  for (const field of fields) byNumber[field.no] = field;
  return {
    fields,
    byNumber,
    empty: Object.fromEntries(fields.map(({ name }) => [name, undefined])),
  };
}

export const int = (no: number): FieldSpec<number> => ({ no, kind: 'int', many: false });
export const float = (no: number): FieldSpec<number> => ({ no, kind: 'float', many: false });
export const text = (no: number): FieldSpec<string> => ({ no, kind: 'text', many: false });
export const texts = (no: number): FieldSpec<string[]> => ({ no, kind: 'text', many: true });
export const bytes = (no: number): FieldSpec<Uint8Array> => ({ no, kind: 'bytes', many: false });
export const bytesList = (no: number): FieldSpec<Uint8Array[]> => ({
  no,
  kind: 'bytes',
  many: true,
});

export const numbers = <T extends NumberListType>(
  no: number,
  type: T,
): FieldSpec<NumberLists[T]> => ({ no, kind: 'numbers', type, many: false });

/** A nested message; the schema comes as a function because messages nest in circles. */
export const message = <T>(no: number, of: () => Schema<T>): FieldSpec<T> => ({
  no,
  kind: 'message',
  schema: of as () => Schema,
  many: false,
});

export const messages = <T>(no: number, of: () => Schema<T>): FieldSpec<T[]> => ({
  no,
  kind: 'message',
  schema: of as () => Schema,
  many: true,
});
