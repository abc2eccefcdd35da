/** Octavo's public surface. */

export {
  type Backend,
  type BackendName,
  type BackendOptions,
  backendNames,
} from './backends/backend.js';
export {
  type BackendReport,
  describeBackends,
  type SelectOptions,
  selectBackend,
} from './backends/select.js';
export {
  type CalibrationMethod,
  type Calibrator,
  type CalibratorOptions,
  Collector,
  calibrationMethods,
  createCalibrator,
} from './calibrate/index.js';
export type { DataType, TypedArray, TypedArrayOf } from './core/dtype.js';
export {
  type ErrorCode,
  type ErrorDetails,
  errorCodes,
  OctavoError,
} from './core/errors.js';
export type { Limits } from './core/limits.js';
export { type Tensor, tensor } from './core/tensor.js';
export {
  applyRecipe,
  calibrate,
  quantizationPageData,
  quantize,
  quantizeDynamic,
  quantizeStatic,
  quantizeWeights,
  sensitivity,
} from './making.js';
export * from './numerics/index.js';
export { quantize as quantizeValues } from './numerics/quantize.js';
export { exportModel } from './onnx/export.js';
export {
  type LoadModelOptions,
  loadModel,
  type Model,
  type ModelMeta,
  saveModel,
} from './onnx/model.js';
export type { ApplyRecipeOptions } from './quantize/applyRecipe.js';
export type { LayerNoise } from './quantize/biases.js';
export type { CalibrateOptions } from './quantize/calibrate.js';
export { Calibration } from './quantize/calibration.js';
export type { MethodTrial } from './quantize/chooseMethod.js';
export type { QuantizeDynamicOptions } from './quantize/dynamic.js';
export type { Finding } from './quantize/findings.js';
export type { WeightsReport, WeightsResult } from './quantize/floatWeights.js';
export { formatRecipe } from './quantize/formatRecipe.js';
export type { QuantizeState } from './quantize/memory.js';
export {
  type ActivationType,
  dynamicOps,
  type EqualizeOption,
  type LayerOverride,
  type NodeSelector,
  type QuantizeStaticOptions,
  quantizableOps,
  type Rounding,
  type SmoothQuantOption,
  type WeightType,
  weightOps,
} from './quantize/options.js';
export type { Progress } from './quantize/progress.js';
export type { AccuracyReport, QuantizeOptions, QuantizeResult } from './quantize/quantize.js';
export { type RankBy, rank } from './quantize/rank.js';
export type {
  DynamicRecipe,
  PackedNumbers,
  Recipe,
  RecipeAbsorption,
  RecipeActivation,
  RecipeEqualization,
  RecipeLayer,
  RecipeSmoothing,
  StaticRecipe,
  WeightsRecipe,
  WithRecipe,
} from './quantize/recipe.js';
export type {
  ActivationReport,
  ModelReport,
  QuantizationReport,
  WeightReport,
} from './quantize/report.js';
export type { Samples } from './quantize/samples.js';
export type { UnlabelledMetric } from './quantize/score.js';
export type { Attempt } from './quantize/search.js';
export type {
  Evaluate,
  LayerSensitivity,
  PartSensitivity,
  SensitivityMode,
  SensitivityOptions,
  SensitivityReport,
} from './quantize/sensitivity.js';
export type { Shards } from './quantize/shards.js';
export type { Smoothing } from './quantize/smooth.js';
export type { QuantizedModel } from './quantize/static.js';
export type { LayerPart } from './quantize/variants.js';
export type { QuantizeWeightsOptions } from './quantize/weightOnly.js';
export {
  type CompareOptions,
  type Comparison,
  compareModels,
  type OutputComparison,
} from './report/compare.js';
export { Difference, type Measures } from './report/difference.js';
export type { PageLatency } from './report/layerTimes.js';
export type {
  PageLayer,
  QuantizationPageData,
  QuantizationPageOptions,
  QuantizedForPage,
} from './report/quantizationData.js';
export { renderQuantizationReport } from './report/quantizationPage.js';
export type { RangeCandidate, TensorFigure } from './report/tensorFigures.js';
export type { WeightFigure } from './report/weightFigures.js';
export {
  createMatMulNBits,
  type MatMulNBitsOptions,
  matMulNBits,
} from './runtime/matMulNBits.js';
export {
  type Conv2dOptions,
  conv2d,
  createConv2d,
  createGemm,
  type FloatGemmOptions,
  gemm,
  type Int1GemmOptions,
  type Int1Output,
  type Int16GemmOptions,
  type Int16Output,
  type Operator,
  type OperatorOptions,
  type OutputFormat,
} from './runtime/operators.js';
export {
  type Feeds,
  InferenceSession,
  type OperatorProfile,
  type PortInfo,
  type Profile,
  type ProfileOptions,
  type RunOptions,
  type SessionOptions,
  type StepProfile,
} from './runtime/session.js';
