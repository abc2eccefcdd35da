/** All suites, and how many problems of each are drawn. */
import { attentionSuite } from './attention.js';
import { elementwiseSuites } from './elementwise.js';
import { floatSuites } from './float.js';
import { indexingSuites } from './indexing.js';
import { lowPrecisionSuites } from './lowPrecision.js';
import { movementSuites } from './movement.js';
import { partSuites } from './parts.js';
import { poolSuites } from './pool.js';
import type { Suite } from './problem.js';
import { qconvSuites } from './qconv.js';
import { quantizeSuites } from './quantize.js';
import { recurrentSuites } from './recurrent.js';
import { typedSuites } from './typed.js';

export const suites: readonly Suite[] = [
  ...qconvSuites,
  ...elementwiseSuites,
  ...poolSuites,
  ...quantizeSuites,
  ...movementSuites,
  ...typedSuites,
  ...indexingSuites,
  ...floatSuites,
  ...recurrentSuites,
  ...partSuites,
  attentionSuite,
  ...lowPrecisionSuites,
];

/** Problems of each suite; the long tests raise it by OCTAVO_PROBLEMS. */
export const problemsPerSuite = Number(process.env['OCTAVO_PROBLEMS'] ?? 300);
