/** The whole way in one page: a float model and samples in, an INT8 model out, saved and run. */
import { fileURLToPath } from 'node:url';
import { InferenceSession, quantizeStatic, saveModel } from 'octavo';
import { dims, drawTextDirection, inputName, modelFile } from './text-direction.mjs';

const int8File = fileURLToPath(new URL('../.cache/quickstart.int8.onnx', import.meta.url));

// Samples are what the model takes: a tensor for each input. Some dozens, like those it will meet.
const { calibration, evaluation } = await drawTextDirection({ calibration: 64, evaluation: 8 });
const feedsOf = ({ data }) => ({ [inputName]: { type: 'float32', dims, data } });

const { model, report } = await quantizeStatic(modelFile, {
  calibrationData: calibration.map(feedsOf),
});
await saveModel(model, int8File);
console.log(`${report.model.bytesBefore} bytes before, ${report.model.bytesAfter} after`);

const session = await InferenceSession.create(int8File);
for (const sample of evaluation) {
  const [{ data }] = Object.values(await session.run(feedsOf(sample)));
  console.log(
    sample.label === 1 ? 'turned ' : 'upright',
    Array.from(data, (p) => p.toFixed(3)),
  );
}
session.dispose();
