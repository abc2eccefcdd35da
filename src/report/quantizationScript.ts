/** What the page of a quantization does when it is touched. It holds no data: it reads the page, which is complete without. */
export const quantizationScript = `
'use strict';
for (const tools of document.querySelectorAll('.tools')) tools.hidden = false;

const numeric = (text) => text === '' ? NaN : Number(text);
function compare(a, b) {
  const [x, y] = [numeric(a), numeric(b)];
  if (Number.isNaN(x) || Number.isNaN(y)) {
    if (Number.isNaN(x) && Number.isNaN(y)) return a < b ? -1 : a > b ? 1 : 0;
    return Number.isNaN(x) ? 1 : -1;
  }
  return x < y ? -1 : x > y ? 1 : 0;
}

for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const ascending = head.getAttribute('aria-sort') !== 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
      const rows = [...body.rows];
      const key = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
      const empty = (row) => key(row) === '';
      rows.sort((a, b) => empty(a) - empty(b) || (ascending ? 1 : -1) * compare(key(a), key(b)));
      body.append(...rows);
    });
  });
}

const layerRows = [...document.querySelectorAll('#layers tbody tr')];
const nameOf = (row) => row.dataset.layer;
const wanted = document.querySelector('#layer-filter');
const kind = document.querySelector('#layer-kind');
function filterLayers() {
  const text = wanted.value.toLowerCase();
  let shown = 0;
  for (const row of layerRows) {
    const fits = row.textContent.toLowerCase().includes(text);
    row.hidden = !(fits && (kind.value === '' || row.dataset.runs === kind.value));
    if (!row.hidden) shown++;
  }
  document.querySelector('#layer-count').textContent = shown + ' of ' + layerRows.length;
}
wanted?.addEventListener('input', filterLayers);
kind?.addEventListener('change', filterLayers);

const tensors = [...document.querySelectorAll('details.tensor')];
const tensorText = document.querySelector('#tensor-filter');
tensorText?.addEventListener('input', () => {
  const text = tensorText.value.toLowerCase();
  for (const one of tensors) one.hidden = !one.textContent.toLowerCase().includes(text);
});
document.querySelector('#tensor-order')?.addEventListener('change', ({ target }) => {
  const key = (one) => one.dataset[target.value];
  tensors.sort((a, b) => compare(key(a), key(b)));
  document.querySelector('#tensors').append(...tensors);
});

document.querySelector('#recipe-download')?.addEventListener('click', () => {
  const text = document.querySelector('#recipe').textContent;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = 'recipe.json';
  link.click();
  URL.revokeObjectURL(link.href);
});

function reveal() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.matches('details.tensor')) {
    target.hidden = false;
    target.open = true;
    target.scrollIntoView();
  }
}
addEventListener('hashchange', reveal);
reveal();

for (const bar of document.querySelectorAll('g.layer')) {
  const row = layerRows.find((one) => nameOf(one) === bar.dataset.layer);
  const light = (on) => { bar.classList.toggle('lit', on); row?.classList.toggle('lit', on); };
  for (const one of [bar, row]) {
    one?.addEventListener('pointerenter', () => light(true));
    one?.addEventListener('pointerleave', () => light(false));
  }
  bar.addEventListener('click', () => {
    if (!row) return;
    row.hidden = false;
    row.scrollIntoView({ block: 'center' });
    row.querySelector('a, th, td').focus?.();
  });
}
`;
