/**
 * The builds of assembly/, one for each set of WebAssembly features, and which of them this engine
 * runs. Each is compiled once per process.
 */
import { OctavoError } from '../../core/errors.js';
import type { WasmExports } from './exports.js';
import { createMemory } from './heap.js';
import { relaxedSimd, simd } from './modules.generated.js';
import { type DotForm, probeDot, probePairs } from './probe.js';

export interface WasmBuild {
  /** Name of the instruction set, as `Backend.isa`. */
  readonly isa: string;
  /** The module for a memory of its own, or for one that threads share. */
  readonly moduleFor: (memory: 'own' | 'shared') => WebAssembly.Module;
  /** How the relaxed dot product of four bytes is used; undefined where the build does without. */
  readonly dot: DotForm | undefined;
  /** Whether that of two bytes is right for small quads. It is asked for where `dot` is undefined. */
  readonly hasSmallDot: boolean;
  /** Throws `BACKEND_FAILURE` if the engine has come to answer otherwise than when it was probed. */
  readonly verify: () => void;
}

/** One instruction set of the WASM backend. */
export interface WasmIsa {
  readonly name: string;
  readonly usable: boolean;
  /** Why not; or what was found out. */
  readonly reason: string;
}

/** The builds there are, the least first. */
const sources = [
  { isa: 'simd128', ...simd, relaxed: false },
  { isa: 'relaxed-simd', ...relaxedSimd, relaxed: true },
] as const;

type Source = (typeof sources)[number];

/** What the import of a memory says of it: that it has a maximum, and whether it is shared. */
const flagsOf = { own: 1, shared: 3 };

const known = new Map<string, WasmBuild | string>();

/** All instruction sets, and what this engine makes of them. */
export function wasmIsas(): readonly WasmIsa[] {
  return sources.map((source) => {
    const build = inspect(source);
    if (typeof build === 'string') return { name: source.isa, usable: false, reason: build };
    const { dot, hasSmallDot } = build;
    const exact = dot?.name ?? (hasSmallDot ? 'small weights' : undefined);
    const found = exact === undefined ? '' : `, dot products are exact for ${exact}`;
    return { name: source.isa, usable: true, reason: `this engine has it${found}` };
  });
}

/**
 * The build for `isa`, or else the best one. Throws `BACKEND_UNAVAILABLE` with the reason where this
 * engine can't run it, or there is none.
 */
export function loadBuild(isa?: string): WasmBuild {
  const candidates = isa === undefined ? sources : sources.filter((source) => source.isa === isa);
  if (candidates.length === 0) {
    throw new OctavoError(
      'BACKEND_UNAVAILABLE',
      `the WASM backend has no instruction set '${isa}'`,
      {
        where: 'wasm',
        expected: sources.map((source) => source.isa).join(', '),
      },
    );
  }
  for (const source of [...candidates].reverse()) {
    const build = inspect(source);
    if (typeof build !== 'string') return build;
  }
  const least = candidates[0]!;
  throw new OctavoError('BACKEND_UNAVAILABLE', `${least.isa} cannot be used: ${inspect(least)}`, {
    where: 'wasm',
  });
}

/** The build, or why this engine can't run it. */
function inspect(source: Source): WasmBuild | string {
  const found = known.get(source.isa) ?? compile(source);
  known.set(source.isa, found);
  return found;
}

function compile({ isa, base64, memoryFlags, relaxed }: Source): WasmBuild | string {
  if (typeof WebAssembly === 'undefined') return 'there is no WebAssembly here';
  const bytes = bytesOf(base64);
  if (!WebAssembly.validate(bytes)) return 'WebAssembly lacks its features here';
  const modules = { own: new WebAssembly.Module(bytes), shared: undefined as Module | undefined };
  const moduleFor = (memory: 'own' | 'shared'): Module => {
    bytes[memoryFlags] = flagsOf[memory];
    modules[memory] ??= new WebAssembly.Module(bytes);
    return modules[memory];
  };
  if (!relaxed) return { isa, moduleFor, dot: undefined, hasSmallDot: false, verify() {} };
  const memory = createMemory();
  const exports = new WebAssembly.Instance(modules.own, { env: { memory } }).exports as WasmExports;
  const probe = probeDot(exports, memory);
  const hasSmallDot = typeof probe === 'string';
  const stillRight = hasSmallDot ? probePairs(exports, memory) : probe.stillRight;
  if (typeof stillRight === 'string') {
    return `the relaxed dot product is not exact: ${probe}, ${stillRight}`;
  }
  const dot = hasSmallDot ? undefined : probe.form;
  return { isa, moduleFor, dot, hasSmallDot, verify: () => verifyStill(isa, stillRight) };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

type Module = WebAssembly.Module;

function verifyStill(isa: string, stillRight: () => boolean): void {
  if (stillRight()) return;
  throw new OctavoError('BACKEND_FAILURE', 'the relaxed dot product is no longer exact', {
    where: 'wasm',
    expected: `OCTAVO_ISA=simd128 instead of ${isa}`,
  });
}
