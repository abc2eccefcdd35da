/**
 * node examples/bullmq/producer.mjs [shards] [samples]
 *
 * Enqueues the shards (default 4, of 64 samples), merges what workers make of them in whatever order it comes, and
 * quantizes. Then does the same in this process alone, and exits with 1 unless both give the same bytes.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Queue, QueueEvents } from 'bullmq';
import { Calibration, calibrate, exportModel, quantizeStatic, saveModel } from 'octavo';
import { connection, modelFile, queueName, samplesOf } from './shards.mjs';

const count = Number(process.argv[2] ?? 4);
const samples = Number(process.argv[3] ?? 64);
const output = fileURLToPath(new URL('../../.cache/bullmq.int8.onnx', import.meta.url));

const queue = new Queue(queueName, { connection });
const events = new QueueEvents(queueName, { connection });
try {
  await events.waitUntilReady();
  const merged = await calibrateOnWorkers();
  const { model } = await quantizeStatic(modelFile, { calibration: merged });
  mkdirSync(path.dirname(output), { recursive: true });
  await saveModel(model, output);
  console.log(`saved ${output}`);

  const alone = await calibrate(modelFile, {
    calibrationData: samplesOf({ index: 1, count: 1, samples }),
  });
  const expected = await quantizeStatic(modelFile, { calibration: alone });
  const isSame =
    Buffer.compare(merged.save(), alone.save()) === 0 &&
    Buffer.compare(exportModel(model.graph), exportModel(expected.model.graph)) === 0;
  console.log(isSame ? 'the same bytes as one process' : 'other bytes than one process');
  process.exitCode = isSame ? 0 : 1;
} finally {
  await Promise.all([queue.close(), events.close()]);
}

async function calibrateOnWorkers() {
  const jobs = await queue.addBulk(
    Array.from({ length: count }, (_, i) => ({
      name: `shard ${i + 1}/${count}`,
      data: { index: i + 1, count, samples },
      opts: { attempts: 3, removeOnComplete: true, removeOnFail: true },
    })),
  );
  const names = new Map(jobs.map((job) => [job.id, job.name]));
  events.on('stalled', ({ jobId }) => {
    if (names.has(jobId)) console.log(`${names.get(jobId)} was lost with its worker: once more`);
  });
  let merged;
  const arrivals = jobs.map(async (job) => {
    const part = Calibration.load(Buffer.from(await job.waitUntilFinished(events), 'base64'));
    merged = merged?.merge(part, job.name) ?? part;
    console.log(`${job.name} merged: ${merged.samples} of ${samples} samples`);
  });
  await Promise.all(arrivals);
  return merged;
}
