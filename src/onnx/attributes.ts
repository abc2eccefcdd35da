/** Attributes of nodes, as a file holds them, to the IR's and back. */
import { OctavoError } from '../core/errors.js';
import type { Attribute, Graph } from '../graph/ir.js';
import { type AttributeProto, attributeTypes, type GraphProto } from './messages.js';
import { readTensor, type TensorContext, writeTensor } from './tensors.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the attributes of a node. Throws `INVALID_MODEL` for one that is there twice or has no value,
 * `UNSUPPORTED_TYPE` for kinds that the IR has not (sparse tensors, types, lists of tensors or graphs).
 */
export function readAttributes(
  protos: readonly AttributeProto[],
  node: string,
  context: TensorContext,
  importGraph: (proto: GraphProto) => Graph,
): Map<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const proto of protos) {
    const name = proto.name ?? '';
    const where = `${node}.${name}`;
    if (attributes.has(name)) {
      throw new OctavoError('INVALID_MODEL', 'the attribute is there twice', { where });
    }
    if ((proto.refAttrName ?? '') !== '') {
      throw new OctavoError('INVALID_MODEL', 'a reference to an attribute outside of a function', {
        where,
      });
    }
    attributes.set(name, readAttribute(proto, where, context, importGraph));
  }
  return attributes;
}

function readAttribute(
  proto: AttributeProto,
  where: string,
  context: TensorContext,
  importGraph: (proto: GraphProto) => Graph,
): Attribute {
  switch (proto.type ?? guessType(proto)) {
    // Writers of proto3 leave out what is zero or empty.
    case attributeTypes.float:
      return { kind: 'float', value: proto.f ?? 0 };
    case attributeTypes.int:
      return { kind: 'int', value: proto.i ?? 0 };
    case attributeTypes.string:
      return { kind: 'string', value: textOf(proto.s ?? new Uint8Array(), where) };
    case attributeTypes.floats:
      return { kind: 'floats', value: proto.floats ?? [] };
    case attributeTypes.ints:
      return { kind: 'ints', value: proto.ints ?? [] };
    case attributeTypes.strings:
      return { kind: 'strings', value: (proto.strings ?? []).map((s) => textOf(s, where)) };
    case attributeTypes.tensor:
      if (proto.t !== undefined) {
        return { kind: 'tensor', value: readTensor(proto.t, where, context) };
      }
      throw new OctavoError('INVALID_MODEL', 'the attribute has no value', { where });
    case attributeTypes.graph:
      if (proto.g !== undefined) return { kind: 'graph', value: importGraph(proto.g) };
      throw new OctavoError('INVALID_MODEL', 'the attribute has no value', { where });
    default:
      throw new OctavoError('UNSUPPORTED_TYPE', 'this kind of attribute is not supported', {
        where,
        expected: Object.keys(attributeTypes).join(', '),
        found: `AttributeProto type ${proto.type ?? 0}`,
      });
  }
}

/** The type of an attribute in files older than IR version 2, which do not state it. */
function guessType(proto: AttributeProto): number | undefined {
  if (proto.f !== undefined) return attributeTypes.float;
  if (proto.i !== undefined) return attributeTypes.int;
  if (proto.s !== undefined) return attributeTypes.string;
  if (proto.t !== undefined) return attributeTypes.tensor;
  if (proto.g !== undefined) return attributeTypes.graph;
  if (proto.floats !== undefined) return attributeTypes.floats;
  if (proto.ints !== undefined) return attributeTypes.ints;
  if (proto.strings !== undefined) return attributeTypes.strings;
  return undefined;
}

function textOf(data: Uint8Array, where: string): string {
  try {
    return utf8.decode(data);
  } catch (cause) {
    throw new OctavoError('INVALID_MODEL', 'text that is not UTF-8', { where, cause });
  }
}

/** Writes an attribute. `exportGraph` writes subgraphs. */
export function writeAttribute(
  name: string,
  attribute: Attribute,
  exportGraph: (graph: Graph) => GraphProto,
): AttributeProto {
  const type = attributeTypes[attribute.kind];
  const encoder = new TextEncoder();
  switch (attribute.kind) {
    case 'float':
      return { name, type, f: attribute.value };
    case 'int':
      return { name, type, i: attribute.value };
    case 'string':
      return { name, type, s: encoder.encode(attribute.value) };
    case 'floats':
      return { name, type, floats: [...attribute.value] };
    case 'ints':
      return { name, type, ints: [...attribute.value] };
    case 'strings':
      return { name, type, strings: attribute.value.map((value) => encoder.encode(value)) };
    case 'tensor':
      return { name, type, t: writeTensor('', attribute.value) };
    case 'graph':
      return { name, type, g: exportGraph(attribute.value) };
  }
}
