/** The looks of the page of a quantization, beside those of every page. */
export const quantizationStyle = `
body { max-width: 1080px; }
.soft, small { color: var(--soft); } svg text { font: 12px system-ui, sans-serif; fill: var(--ink); } svg text.soft { fill: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 12px; margin: 1.2rem 0; }
.card { border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; background: var(--raised); }
.card h2 { margin: 0; font-size: .85rem; font-weight: 500; color: var(--soft); } .card b { display: block; font-size: 1.35rem; line-height: 1.4; white-space: nowrap; }
.card small { display: block; } .card.good b { color: var(--good); } .card.bad b { color: var(--bad); } .card.warn b { color: var(--warn); }
ol.worst { list-style: none; margin: .6rem 0 1rem; padding: 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 12px; }
ol.worst li { border-left: 4px solid var(--bad); background: var(--raised); border-radius: 0 8px 8px 0; padding: 8px 12px; min-width: 0; }
ol.worst code { font-weight: 600; overflow-wrap: anywhere; } ol.worst p { margin: 2px 0 0; }
.badge { display: inline-grid; place-items: center; width: 19px; height: 19px; border-radius: 50%; background: var(--bad); color: var(--ground); font-size: 12px; font-weight: 600; margin-right: 4px; }
.findings { list-style: none; padding: 0; } .findings li { border-left: 4px solid var(--soft); padding: 4px 12px; margin: 6px 0; background: var(--raised); overflow-wrap: anywhere; }
.findings li.warning { border-color: var(--warn); } .findings li.error { border-color: var(--bad); }
.scroll { overflow-x: auto; } svg { display: block; }
svg.layers .grid, svg.figure .grid { stroke: var(--line); fill: none; } svg.layers path.all { stroke: var(--soft); stroke-dasharray: 5 4; } svg.layers text.all { fill: var(--soft); }
.layer .slot { fill: transparent; } .layer.worst .slot { fill: var(--bad); fill-opacity: .1; } .layer.lit .slot { fill: var(--soft); fill-opacity: .22; } .layer { cursor: pointer; }
.weights { fill: var(--first); } .activations { fill: var(--second); } .layer.float rect.weights, .layer.float rect.activations { fill-opacity: .25; stroke-width: 1; }
.layer.float .weights { stroke: var(--first); } .layer.float .activations { stroke: var(--second); }
circle.mark { fill: var(--bad); } svg text.mark { fill: var(--ground); font-weight: 700; }
.legend { display: flex; flex-wrap: wrap; gap: 18px; color: var(--soft); font-size: .85rem; margin: 4px 0; } .legend i { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 5px; }
.legend i.hollow { border: 1px solid var(--first); background: color-mix(in srgb, var(--first) 25%, transparent); box-sizing: border-box; }
.tools { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; margin: .8rem 0; } .tools[hidden], [hidden] { display: none; }
input, select, .tools button { font: inherit; padding: 4px 8px; border: 1px solid var(--line); border-radius: 6px; background: var(--ground); color: inherit; }
table { font-size: .9rem; font-variant-numeric: tabular-nums; } thead th { position: sticky; top: 0; background: var(--ground); z-index: 1; }
th button { all: unset; cursor: pointer; } th button:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--first); outline-offset: 2px; border-radius: 3px; }
th[aria-sort=ascending] button::after { content: ' ▲'; } th[aria-sort=descending] button::after { content: ' ▼'; }
#layers td:nth-child(2), #layers th:nth-child(2), #layers td:nth-child(3), #layers th:nth-child(3) { text-align: left; } tbody tr.lit { background: color-mix(in srgb, var(--soft) 22%, transparent) !important; }
.name { max-width: 19rem; overflow: hidden; text-overflow: ellipsis; } .name a { color: inherit; text-decoration-color: var(--soft); }
.hurt { position: relative; } .hurt i { position: absolute; left: 4px; top: 6px; bottom: 6px; border-radius: 2px; background: var(--bad); min-width: 1px; } .hurt { padding-left: 72px; }
.pill { border-radius: 9px; padding: 0 8px; font-size: .8rem; border: 1px solid var(--line); } .pill.float { border-color: var(--warn); color: var(--warn); }
details.tensor { border: 1px solid var(--line); border-radius: 8px; margin: 6px 0; padding: 0 12px; scroll-margin-top: 12px; content-visibility: auto; contain-intrinsic-size: auto 40px; }
details.tensor summary { display: grid; grid-template-columns: 130px minmax(0, 1fr) 80px 130px 170px; gap: 12px; align-items: center; padding: 6px 0; cursor: pointer; font-variant-numeric: tabular-nums; }
summary code { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .spark { width: 130px; height: 26px; } .spark path, .shape { fill: var(--first); opacity: .75; }
.figure .cut { fill: var(--bad); opacity: .14; } .figure .edge { stroke: var(--bad); stroke-width: 1.5; fill: none; }
.candidate rect { fill: var(--soft); opacity: .45; } .candidate.chosen rect { fill: var(--first); opacity: 1; } .candidate.chosen text { font-weight: 700; }
dl { display: flex; flex-wrap: wrap; gap: 6px 24px; margin: 8px 0 12px; } dt { color: var(--soft); font-size: .8rem; } dd { margin: 0; overflow-wrap: anywhere; }
#weights td { vertical-align: middle; } #weights .spark { margin-left: auto; }
details.more { margin-top: 1.5rem; } details.more > summary { cursor: pointer; font-weight: 600; } pre { overflow: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: 12px; }
@media (max-width: 700px) { details.tensor summary { grid-template-columns: 80px minmax(0, 1fr) 70px; } .spark { width: 80px; } summary span:nth-child(n + 4) { display: none; } }
@media print { .tools { display: none; } }
`;
