/** src/onnx/*.proto → *_pb.generated.ts: message types and descriptors, by buf and protoc-gen-es, both local. */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root, run, say } from './lib/run.mjs';
import { writeIfChanged } from './lib/step.mjs';

const folder = 'src/onnx';
const require = createRequire(import.meta.url);

async function build() {
  say('generating the ONNX messages (buf)');
  const buf = require.resolve('@bufbuild/buf/bin/buf');
  const plugin = path.join(
    path.dirname(require.resolve('@bufbuild/protoc-gen-es/package.json')),
    'bin/protoc-gen-es',
  );
  const out = '.cache/onnx';
  fs.rmSync(path.join(root, out), { recursive: true, force: true });
  const template = {
    version: 'v2',
    plugins: [
      { local: [process.execPath, plugin], out, opt: ['target=ts', 'import_extension=js'] },
    ],
  };
  await run(process.execPath, [buf, 'generate', '--template', JSON.stringify(template), folder]);
  for (const file of fs.readdirSync(path.join(root, out))) {
    const text = fs.readFileSync(path.join(root, out, file), 'utf8');
    writeIfChanged(`${folder}/${file.replace(/\.ts$/, '.generated.ts')}`, text);
  }
}

export const onnxStep = {
  name: 'onnx',
  inputs: [`${folder}/onnx.proto`, 'scripts/build-onnx.mjs', 'package-lock.json'],
  outputs: [`${folder}/onnx_pb.generated.ts`],
  build,
};
