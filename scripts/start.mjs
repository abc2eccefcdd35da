/** `npm start`: set up, then the main job. Arguments after `--` go to it. */
import { attach, runMain } from './lib/run.mjs';
import { setup } from './setup.mjs';

await runMain(async () => {
  await setup();
  return attach(process.execPath, ['examples/main.mjs', ...process.argv.slice(2)]);
});
