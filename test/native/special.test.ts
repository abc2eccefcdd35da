/** Special values on the native backend, with each instruction set. */
import { describe } from 'vitest';
import { testSpecialValues } from '../runners/special.js';
import { nativeBackends } from './contenders.js';

describe('special values', () => testSpecialValues(nativeBackends(1)));
