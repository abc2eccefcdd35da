/** Calibration: what a tensor's values are (collector), and the range to quantize them over. */
export {
  type CalibrationMethod,
  type Calibrator,
  type CalibratorOptions,
  calibrationMethods,
  createCalibrator,
} from './calibrator.js';
export { Collector, type CollectorOptions } from './collector.js';
export { clippedShare, codesOf, meanSquaredError } from './error.js';
export { type Histogram, quantile } from './histogram.js';
