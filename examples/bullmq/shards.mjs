/** What producer and workers agree on: the queue, the model, and which samples are whose. Change this for your own. */
import { dims, drawTextDirection, inputName } from '../text-direction.mjs';

export { modelFile } from '../text-direction.mjs';

export const queueName = 'octavo-calibrate';

/** REDIS_URL, or Redis on this machine. Workers wait for Redis as long as it takes, as BullMQ wants it. */
export const connection = {
  url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
  maxRetriesPerRequest: null,
};

/** The samples of shard `index` of `count`: every count-th of `samples`. With files, read no other. */
export async function* samplesOf({ index, count, samples }) {
  const { calibration } = await drawTextDirection({ calibration: samples, evaluation: 0 });
  for (let i = index - 1; i < samples; i += count) {
    yield { [inputName]: { type: 'float32', dims, data: calibration[i].data } };
  }
}
