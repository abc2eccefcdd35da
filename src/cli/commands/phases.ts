/** How far a quantization is, a line for each of its phases. */
import type { Progress } from '../../quantize/progress.js';
import type { ProgressLine, Terminal } from '../terminal.js';

type Phase = Progress['phase'];

const phaseLabels: Record<Phase, string> = {
  smooth: 'Smoothing',
  calibrate: 'Calibrating',
  ranges: 'Choosing ranges',
  round: 'Rounding weights',
  correct: 'Correcting biases',
  quantize: 'Quantizing',
  sensitivity: 'Measuring layers',
  choose: 'Choosing a calibrator',
  search: 'Models tried',
};

/** One progress line for each phase as it comes. */
export function phases(terminal: Terminal) {
  let current: { readonly phase: Phase; readonly line: ProgressLine } | undefined;
  return {
    update({ phase, done, total, etaMs }: Progress): void {
      if (current?.phase !== phase) {
        current?.line.end();
        current = { phase, line: terminal.progress(phaseLabels[phase]) };
      }
      current.line.update(done, total, etaMs);
    },
    end: () => current?.line.end(),
  };
}
