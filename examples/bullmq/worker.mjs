/**
 * node examples/bullmq/worker.mjs [--die]
 *
 * Takes shards from the queue and calibrates them, until it is stopped; as many of these as you like, on as many
 * machines. --die: ends at once, as a machine does that loses its power, amid its first shard.
 */
import { Worker } from 'bullmq';
import { calibrate } from 'octavo';
import { connection, modelFile, queueName, samplesOf } from './shards.mjs';

const dies = process.argv.includes('--die');

/** A part travels as base64 within the job's result: some hundred kilobytes, whatever the number of samples. */
async function calibrateShard({ data: shard }) {
  const { index, count } = shard;
  console.log(`shard ${index}/${count} begins`);
  const calibration = await calibrate(modelFile, {
    calibrationData: samplesOf(shard),
    onProgress: ({ done }) => {
      if (dies && done === 1) process.kill(process.pid, 'SIGKILL');
    },
  });
  const part = calibration.asShard(index, count).save();
  console.log(`shard ${index}/${count} done: ${calibration.samples} samples`);
  return Buffer.from(part).toString('base64');
}

// A worker that is gone renews the lock of its job no longer, and others take the job over.
const worker = new Worker(queueName, calibrateShard, {
  connection,
  lockDuration: 4000,
  stalledInterval: 1000,
  maxStalledCount: 3,
});
worker.on('error', (error) => console.error(error.message));
process.once('SIGINT', () => worker.close());
process.once('SIGTERM', () => worker.close());
