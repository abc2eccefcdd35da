/** octavo doctor: which backend is in force on this machine, and why the others are not. */
import os from 'node:os';
import { describeBackends } from '../../backends/select.js';
import type { CommandContext } from '../command.js';
import { formatTable } from '../terminal.js';

export async function doctorCommand({ session, terminal }: CommandContext): Promise<void> {
  const report = await describeBackends({
    backend: session.backend,
    isa: session.isa,
    threads: session.intraOpNumThreads,
  });
  const data = {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    ...report,
  };
  terminal.result(data, () =>
    [
      `CPU       ${data.cpu} (${data.platform})`,
      `Node      ${data.node}`,
      `In force  ${report.chosen ?? 'none'}`,
      '',
      formatTable(
        ['backend', 'status', 'reason'],
        report.backends.map(({ name, status, reason }) => [name, status, reason]),
      ),
    ].join('\n'),
  );
}
