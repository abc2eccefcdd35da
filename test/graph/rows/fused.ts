/** Rows of operators that are several in one, and of those that read at computed places. */
import { f32, i64, type Row, w } from '../inferNode.js';

const heads = { num_heads: 4 };

export const fused: readonly Row[] = [
  ['com.microsoft:BiasGelu', ['float32 [N, S, 8]', f32(8)], 'float32 [N, S, 8]'],
  [
    'com.microsoft:SkipLayerNormalization',
    ['float32 [N, S, 8]', 'float32 [N, S, 8]', f32(8)],
    'float32 [N, S, 8]; float32 [N, S, 1]; float32 [N, S, 1]; float32 [N, S, 8]',
    {},
    4,
  ],
  ['SimplifiedLayerNormalization', ['float32 [N, 8]', f32(8)], 'float32 [N, 8]'],
  [
    'com.microsoft:EmbedLayerNormalization',
    ['int32 [N, S]', '', w(9, 8), w(5, 8), '', f32(8), f32(8)],
    'float32 [N, S, 8]; int32 [N]',
    {},
    2,
  ],
  [
    'com.microsoft:FusedMatMul',
    ['float32 [N, 3, 4]', 'float32 [N, 5, 3]'],
    'float32 [N, 4, 5]',
    { transA: 1, transB: 1 },
  ],
  [
    'com.microsoft:FusedMatMul',
    ['float32 [3, N, 4]', 'float32 [N, 4, 5]'],
    'float32 [N, 3, 5]',
    { transBatchA: 1 },
  ],
  ['com.microsoft:FusedConv', ['float32 [N, 3, 8, 8]', w(4, 3, 3, 3)], 'float32 [N, 4, 6, 6]'],
  ['com.microsoft:FusedGemm', ['float32 [N, 3]', w(4, 3)], 'float32 [N, 4]', { transB: 1 }],
  [
    'Attention',
    ['float32 [N, S, 16]', 'float32 [N, T, 8]', 'float32 [N, T, 12]'],
    'float32 [N, S, 24]; float32 [N, 2, T, 4]; float32 [N, 2, T, 6]; float32 [N, 4, S, T]',
    { q_num_heads: 4, kv_num_heads: 2 },
    4,
  ],
  [
    'Attention',
    [
      'float32 [1, 4, 2, 8]',
      'float32 [1, 4, 3, 8]',
      'float32 [1, 4, 3, 6]',
      '',
      'float32 [1, 4, 5, 8]',
      'float32 [1, 4, 5, 6]',
    ],
    'float32 [1, 4, 2, 6]; float32 [1, 4, 8, 8]',
    {},
    2,
  ],
  ['RotaryEmbedding', ['float32 [N, 4, S, 8]', w(9, 4), w(9, 4)], 'float32 [N, 4, S, 8]'],
  [
    'com.microsoft:RotaryEmbedding',
    ['float32 [N, S, 32]', 'int64 [1]', w(9, 4), w(9, 4)],
    'float32 [N, S, 32]',
  ],
  ['com.microsoft:Attention', ['float32 [N, S, 8]', w(8, 48)], 'float32 [N, S, 16]', heads],
  [
    'com.microsoft:Attention',
    ['float32 [N, S, 8]', w(8, 44)],
    'float32 [N, S, 12]',
    { ...heads, qkv_hidden_sizes: [16, 16, 12] },
  ],
  [
    'com.microsoft:MultiHeadAttention',
    ['float32 [N, S, 8]', 'float32 [N, T, 8]', 'float32 [N, T, 12]'],
    'float32 [N, S, 12]',
    heads,
  ],
  ['GridSample', ['float32 [N, 3, H, W]', 'float32 [N, 5, X, 2]'], 'float32 [N, 3, 5, X]'],
  ['AffineGrid', ['float32 [N, 2, 3]', i64(2, 3, 5, 6)], 'float32 [2, 5, 6, 2]'],
  [
    'RoiAlign',
    ['float32 [N, 3, H, W]', 'float32 [R, 4]', 'int64 [R]'],
    'float32 [R, 3, 7, 6]',
    { output_height: 7, output_width: 6 },
  ],
  [
    'MaxUnpool',
    ['float32 [1, 2, 3, 3]', 'int64 [1, 2, 3, 3]'],
    'float32 [1, 2, 6, 5]',
    { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 1, 0, 0] },
  ],
  ['Einsum', ['float32 [N, 3]', 'float32 [3, M]'], 'float32 [N, M]', { equation: 'ij,jk->ik' }],
  [
    'Einsum',
    ['float32 [1, N, 2, 3]', 'float32 [B, 1, 3, 4]'],
    'float32 [B, N, 2, 4]',
    { equation: '...ij, ...jk' },
  ],
  ['CastLike', ['float32 [N, 3]', 'int8'], 'int8 [N, 3]'],
];
