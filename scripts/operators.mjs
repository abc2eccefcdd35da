/**
 * Writes docs/OPERATORS.md, the operators that Octavo runs, from docs/conformance.json, which the tests hold against the
 * code and against ONNX's node cases.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const newestOpset = 27;

const ways = {
  step: 'step',
  others: 'written in others',
  evaluated: 'evaluated in stages',
  resolved: 'resolved',
};

const introduction = `# Operators

Made by \`node scripts/operators.mjs\` from [conformance.json](conformance.json). Every line is checked: \`test/conformance\` runs
ONNX's node cases on the reference backend, and every other backend has to give what the reference gives.

- **Opsets** are those whose form of the operator is read, whatever the file declares: import brings them all to one.
- **Runs as**: a *step* of its own in some form at least; *written in others*, which may be fused again; *evaluated in stages*, from values
  that the stage before it computed, or when the model is loaded if they are constants; or *resolved*, so that nothing of it
  is left. Every kind of step has a native kernel, which is also what an instruction set is chosen for, and one in TypeScript. Those in
  italics have one in WebAssembly too; there the others run in TypeScript.
- **Types** are those of the data, the operator's first input that is no condition. float16 and bfloat16 are computed with as float32:
  see [Sixteen bits](#sixteen-bits).
- **Cases** are ONNX's node cases made of this operator alone: how many pass, to a relative 10⁻³ or an absolute 10⁻⁷ as ONNX's own runner
  has it, of how many. Those that do not are listed [below](#cases-that-do-not-pass), and are refused by a clear error. com.microsoft's
  operators have none: they are compared with onnxruntime-node.
`;

const sixteenBits = `## Sixteen bits

Models of float16 or bfloat16, whole or in part, are computed with in float32. Their constants are widened when the model is
loaded, and take the memory of float32 from then on. Feeds are given, and results handed out, in the types that the model declares:
the first are widened, which is exact, the second rounded once, half to even. Between them a value is rounded to 16 bits where a Cast or
CastLike says so, and nowhere else. So results are as close to the real ones as float32 comes, closer than those of 16-bit arithmetic,
and what would overflow float16 on the way does not. Quantizing such a model gives one whose floats are float32.
`;

function opsetsOf({ operator, since }) {
  return operator.includes(':') ? '1' : `${since}–${newestOpset}`;
}

function rowOf(entry, webAssembly) {
  const name = entry.operator.split(':').at(-1);
  const steps = entry.steps.map((step) => (webAssembly.includes(step) ? `*${step}*` : step));
  const runs = [ways[entry.runs], ...(steps.length === 0 ? [] : [steps.join(', ')])].join(': ');
  const count = entry.passed + entry.excluded;
  const cases = count === 0 ? '' : `${entry.passed} of ${count}`;
  const cells = [name, opsetsOf(entry), entry.types.join(', '), runs, cases, entry.note ?? ''];
  return `| ${cells.join(' | ')} |`;
}

function tableOf(entries, webAssembly) {
  return [
    '| Operator | Opsets | Types | Runs as | Cases | Notes |',
    '|---|---|---|---|---|---|',
    ...entries.map((entry) => rowOf(entry, webAssembly)),
  ].join('\n');
}

/** The text of docs/OPERATORS.md. */
export function renderOperators({ operators, webAssembly, excluded, composed }) {
  const contrib = operators.filter(({ operator }) => operator.includes(':'));
  const own = operators.filter(({ operator }) => !operator.includes(':'));
  const passed = operators.reduce((sum, entry) => sum + entry.passed, 0);
  const left = excluded.reduce((sum, { cases }) => sum + cases.length, 0);
  return [
    introduction,
    `${passed} cases of one operator pass, and ${composed} of several; ${left} do not.\n`,
    '## ai.onnx\n',
    `${tableOf(own, webAssembly)}\n`,
    '## com.microsoft\n',
    `${tableOf(contrib, webAssembly)}\n`,
    sixteenBits,
    '## Cases that do not pass\n',
    excluded
      .map(({ reason, cases }) => `- ${reason} (${cases.length}): ${cases.join(', ')}`)
      .join('\n'),
    '',
  ].join('\n');
}

const root = new URL('..', import.meta.url);

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const conformance = JSON.parse(readFileSync(new URL('docs/conformance.json', root), 'utf8'));
  writeFileSync(fileURLToPath(new URL('docs/OPERATORS.md', root)), renderOperators(conformance));
}
