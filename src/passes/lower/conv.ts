/** Convolutions in float32. */
import { groupsOf } from '../../graph/ops/convolution.js';
import { floatValue } from './quantParams.js';
import { type Rewriting, rewriting } from './rewriting.js';
import { areFloat, type Rules, type Site } from './rules.js';
import { channelsLastDims, enterChannelsLast, leaveChannelsLast, stepWindow } from './spatial.js';

export const convRules: Rules = {
  Conv(site) {
    const { node } = site;
    const [x, w, bias = ''] = node.inputs as [string, string, string?];
    const output = node.outputs[0]!;
    if (!areFloat(site, x, w, bias)) return undefined;
    const to = rewriting(site);
    const xDims = to.typeOf(x)?.dims;
    const yDims = to.typeOf(output)?.dims;
    const taps = to.typeOf(w)?.dims?.slice(2);
    if (xDims === undefined || yDims === undefined || taps === undefined) return undefined;
    if (!taps.every((size) => typeof size === 'number')) return undefined;
    const window = stepWindow(site, taps, xDims.slice(2));
    const image = window && enterChannelsLast(to, x);
    const weight = window && floatWeight(site, to, w);
    if (window === undefined || image === undefined || weight === undefined) return undefined;
    const type = { type: 'float32', dims: channelsLastDims(yDims) } as const;
    const params = {
      ...window.params,
      groups: groupsOf(node),
      lower: Number.NEGATIVE_INFINITY,
      upper: Number.POSITIVE_INFINITY,
    };
    const inputs = bias === '' ? [image, weight] : [image, weight, floatValue(site, to, bias)];
    const y = to.step('Conv', inputs, params, type, { extra: window.extra });
    if (leaveChannelsLast(to, y, yDims, output) === undefined) return undefined;
    return to.done(`lower ${node.name}`);
  },
};

/** The weight [O, I, …taps] as [O, KH, KW, I]. */
function floatWeight(site: Site, to: Rewriting, w: string): string | undefined {
  return enterChannelsLast(to, floatValue(site, to, w));
}
