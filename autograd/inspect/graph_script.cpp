#include "autograd/inspect/graph_script.h"

namespace heed::drawing {

const std::string_view kGraphPageStyle = R"css(
main{max-width:1480px}
.desk{display:grid;grid-template-columns:minmax(0,1fr) 340px;gap:20px;align-items:start;margin-top:28px}
.stage{overflow:auto;max-height:80vh;border:1px solid var(--rule);border-radius:10px}
.stage:focus-visible{outline:2px solid var(--accent)}
.stage svg{display:block;margin:0 auto;padding:4px;overflow:visible}
.tools{display:flex;flex-wrap:wrap;gap:10px 20px;align-items:center;margin-top:28px}
.tools[hidden]{display:none}
.tools:not([hidden])+.desk{margin-top:12px}
.choice{display:flex;border:1px solid var(--rule);border-radius:8px;padding:2px;margin:0}
.choice label{position:relative;font-size:.875rem;padding:4px 11px;border-radius:6px;cursor:pointer}
.choice input{position:absolute;opacity:0;inset:0;margin:0;cursor:pointer}
.choice label:has(:checked){background:var(--accent);color:var(--paper)}
.choice label:has(:focus-visible),button:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.buttons{display:flex;gap:6px}
button{font:inherit;font-size:.875rem;color:inherit;background:none;border:1px solid var(--rule);border-radius:8px;
padding:5px 11px;cursor:pointer}
button:hover{background:var(--panel)}
.panel{position:sticky;top:16px;max-height:80vh;overflow:auto;background:var(--panel);border-radius:10px;
padding:18px 20px;font-size:.875rem;line-height:1.5}
.panel h2{font-size:1.05rem;margin:0;overflow-wrap:anywhere}
.panel h3{font-size:.75rem;font-weight:600;color:var(--muted);margin:18px 0 4px}
.panel dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 14px;margin:0}
.panel dl.wide{display:block}
.panel .formula{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.8125rem}
.panel h2+dl,.panel h2+p{margin-top:10px}
.panel dt{color:var(--muted)}
.panel dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.panel a{color:var(--accent);cursor:pointer;text-decoration:none}
.panel a:hover{text-decoration:underline}
.panel>p{color:var(--muted)}
.graph [role=button]{cursor:pointer;outline:none}
.graph [role=button]:hover>.box,.graph [role=button]:focus-visible>.box{stroke:var(--accent);stroke-width:2}
.graph .title:focus-visible>.name,.graph .title:hover>.name{fill:var(--accent)}
.graph .chosen>.box,.graph .chosen>.door>.box,.graph .chosen>.room>.wall{stroke:var(--accent);stroke-width:2.5}
.graph .arrow:hover>.line,.graph .arrow.chosen>.line,.graph .arrow.near>.line{stroke:var(--accent);stroke-width:2.2}
.graph .arrow:hover>.head,.graph .arrow.chosen>.head,.graph .arrow.near>.head{fill:var(--accent)}
.graph .arrow{cursor:pointer}
.graph .bar{fill:var(--accent);opacity:.75}
.graph.gradient .arrow>.line{stroke:var(--accent)}.graph.gradient .arrow>.head{display:none}
.graph.gradient .arrow.none>.line{stroke:var(--arrow);stroke-dasharray:3 3;stroke-width:1.2}
.graph .tip{pointer-events:none}
.graph .tip rect{fill:var(--plot-ink)}.graph .tip text{fill:var(--plot-paper);font-size:11px;text-anchor:middle}
.share{display:inline-block;height:8px;border-radius:2px;background:var(--accent);vertical-align:middle}
@media (max-width:1000px){.desk{grid-template-columns:minmax(0,1fr)}.stage{max-height:70vh}
.panel{position:static;max-height:none}}
@media (max-width:600px){.tools{gap:10px}.choice label{padding:4px 8px}button{padding:5px 9px}}
@media print{.tools{display:none}.stage{max-height:none}}
)css";

const std::string_view kGraphScript = R"js('use strict';
(() => {
const {items, arrows, groups, costs, norms, details, distances: apart} = graph;
const [LEAF, GROUP, GATE] = [1, 2, 3];
const kind = i => items[i][0], around = i => items[i][1];
const svg = document.querySelector('svg.graph'), stage = document.querySelector('.stage');
const panel = document.querySelector('.panel'), tools = document.querySelector('.tools');
const element = id => document.getElementById(id), of = (i, what) => element('i' + i).querySelector(':scope>' + what);
const open = new Set(graph.open), box = items.map(() => ({x: 0, y: 0, w: 0, h: 0})), lines = [];
let scale = 1, mode = 'shape';

// ---- layout: as align(), GraphLayout::bands() and lay_out() do
function align(rows, widths, links) {
  const x = new Array(widths.length).fill(0), pulls = x.map(() => []);
  const distance = rows.map(row => {
    const d = [0];
    for (let i = 1; i < row.length; ++i)
      d.push(d[i - 1] + (widths[row[i - 1]] + widths[row[i]]) / 2 + apart.between);
    row.forEach((place, i) => x[place] = d[i] - d[row.length - 1] / 2);
    return d;
  });
  for (const {upper, lower, from, to, weight} of links) {
    pulls[upper].push([lower, to - from, weight, true]);
    pulls[lower].push([upper, from - to, weight, false]);
  }
  const sweeps = 25, stay = 1e-4, back = 0.1;
  for (let sweep = 0; sweep < sweeps; ++sweep)
    for (let k = 0; k < rows.length; ++k) {
      const r = sweep % 2 ? rows.length - 1 - k : k, pools = [];
      rows[r].forEach((place, i) => {
        let wanted = stay * x[place], weight = stay;
        for (const [other, aside, its, below] of pulls[place]) {
          const w = its * (below !== (sweep % 2 === 0) ? 1 : sweep + 1 === sweeps ? 0 : back);
          wanted += w * (x[other] + aside);
          weight += w;
        }
        let pool = {mean: wanted / weight - distance[r][i], weight, begin: i};
        while (pools.length && pools[pools.length - 1].mean >= pool.mean) {
          const left = pools.pop(), both = left.weight + pool.weight;
          pool = {mean: (left.mean * left.weight + pool.mean * pool.weight) / both, weight: both, begin: left.begin};
        }
        pools.push(pool);
      });
      pools.forEach((pool, p) => {
        const end = p + 1 < pools.length ? pools[p + 1].begin : rows[r].length;
        for (let i = pool.begin; i < end; ++i) x[rows[r][i]] = pool.mean + distance[r][i];
      });
    }
  const left = Math.min(...x.map((centre, place) => centre - widths[place] / 2));
  return x.map(centre => centre - left);
}
const offset = (i, gate) => gate >= 0 && open.has(i) ? box[gate].x - box[i].w / 2 : 0;
function linksOf(group) {
  const links = [], met = new Set();
  for (const [number, ...way] of group.ways) {
    const [from, to, outOf, into] = arrows[number];
    for (let i = 1; i < way.length; ++i) {
      const key = way[i - 1] + ' ' + way[i], first = i === 1, last = i + 1 === way.length;
      if (met.has(key)) continue;
      met.add(key);
      links.push({upper: way[i - 1], lower: way[i], from: first ? offset(from, outOf) : 0,
                  to: last ? offset(to, into) : 0,
                  weight: first && kind(from) === LEAF ? 0.002 : first && last ? 1 : first || last ? 2 : 8});
    }
  }
  return links;
}
function bandsOf(g, group, rowOf, x, links) {
  const aside = group.rows.map(() => 0), top = [], bottom = [];
  for (const {upper, lower, from, to} of links)
    aside[rowOf[lower]] = Math.max(aside[rowOf[lower]], Math.abs(x[upper] + from - x[lower] - to));
  group.rows.forEach((row, r) => {
    let height = group.entries && r === 0 ? apart.entry : 0;
    for (const place of row) if (place < group.items.length) height = Math.max(height, box[group.items[place]].h);
    const least = group.entries && r === 1 ? apart.below_entry : apart.rows;
    const gap = Math.min(least + apart.rows_slope * aside[r], apart.rows_at_most);
    top.push(r ? bottom[r - 1] + gap : group.entries ? 0 : g === 0 ? apart.no_title : apart.title);
    bottom.push(top[r] + height);
  });
  return {top, bottom};
}
function layOut(g) {
  const group = groups[g], rowOf = [], widths = [];
  group.rows.forEach((row, r) => row.forEach(place => { rowOf[place] = r; widths[place] = apart.gate; }));
  group.items.forEach((i, place) => {
    if (kind(i) === GATE) return;
    if (open.has(i)) layOut(i); else [box[i].w, box[i].h] = [items[i][2], items[i][3]];
    widths[place] = box[i].w;
  });
  const links = linksOf(group), x = align(group.rows, widths, links);
  const {top, bottom} = bandsOf(g, group, rowOf, x, links);
  const right = Math.max(...x.map((centre, place) => centre + widths[place] / 2));
  box[g].w = Math.max(right + 2 * apart.inside, items[g][2]);
  box[g].h = bottom[bottom.length - 1] + (group.exits ? 0 : apart.inside);
  x.forEach((centre, place) => x[place] = centre + (box[g].w - right) / 2);
  group.items.forEach((i, place) => {
    box[i].x = x[place] - box[i].w / 2;
    box[i].y = kind(i) === LEAF ? bottom[rowOf[place]] - box[i].h : top[rowOf[place]];
  });
  for (const [number, ...way] of group.ways) {
    const [from, to, outOf, into] = arrows[number];
    const line = [[x[way[0]] + offset(from, outOf), box[from].y + box[from].h]];
    way.slice(1).forEach((place, i) => {
      const [last, end] = line[line.length - 1], floor = bottom[rowOf[way[i]]];
      if (end < floor) line.push([last, floor]);
      line.push([x[place] + (i + 2 === way.length ? offset(to, into) : 0), top[rowOf[place]]]);
    });
    lines[number] = line;
  }
}

// ---- drawing
const px = v => String(Math.round(v * 10) / 10);
function pathOf(line) {
  return line.map(([x, y], i) => {
    if (!i) return `M${px(x)} ${px(y)}`;
    const [fx, fy] = line[i - 1], m = px((fy + y) / 2);
    return fx === x ? `V${px(y)}` : `C${px(fx)} ${m} ${px(x)} ${m} ${px(x)} ${px(y)}`;
  }).join('');
}
function draw(g) {
  const group = groups[g];
  for (const [number] of group.ways) {
    const [reach, line, head] = element('a' + number).querySelectorAll('path'), d = pathOf(lines[number]);
    const [x, y] = lines[number][lines[number].length - 1], to = arrows[number][1];
    reach.setAttribute('d', d);
    line.setAttribute('d', d);
    head.setAttribute('d', kind(to) === GATE || open.has(to) ? '' : `M${px(x - 3.5)} ${px(y - 7)}l3.5 7l3.5 -7z`);
  }
  for (const i of group.items) {
    if (kind(i) === GATE) continue;
    element('i' + i).setAttribute('transform', `translate(${px(box[i].x)} ${px(box[i].y)})`);
    if (!groups[i]) continue;
    const [door, room] = [of(i, '.door'), of(i, '.room')];
    door.toggleAttribute('display', false);
    room.toggleAttribute('display', false);
    (open.has(i) ? door : room).setAttribute('display', 'none');
    if (!open.has(i)) continue;
    const wall = room.querySelector(':scope>.wall');
    wall.setAttribute('width', px(box[i].w));
    wall.setAttribute('height', px(box[i].h));
    room.querySelector(':scope>.title>rect').setAttribute('width', items[i][2]);
    draw(i);
  }
}
function resize() {
  svg.setAttribute('viewBox', `0 0 ${Math.ceil(box[0].w)} ${Math.ceil(box[0].h)}`);
  svg.setAttribute('width', Math.ceil(box[0].w * scale));
  svg.setAttribute('height', Math.ceil(box[0].h * scale));
}
// `keep`: an item that stays where it is on the screen.
function show(keep) {
  const place = () => keep === undefined ? {left: 0, top: 0} : element('i' + keep).getBoundingClientRect();
  const before = place();
  layOut(0);
  draw(0);
  resize();
  measure();
  const after = place();
  stage.scrollLeft += after.left - before.left;
  stage.scrollTop += after.top - before.top;
}

// ---- what boxes and arrows are measured by
const shown = [];
function visible(g) {
  for (const i of groups[g].items)
    if (kind(i) !== GATE) open.has(i) ? visible(i) : shown.push(i);
}
function measure() {
  svg.classList.toggle('gradient', mode === 'gradient');
  const known = norms.filter(norm => norm > 0), most = Math.max(...known, 0);
  const least = Math.max(Math.min(...known), most * 1e-6);
  for (const [number] of [0, ...open].flatMap(g => groups[g].ways)) {
    const arrow = element('a' + number), norm = norms[number];
    const share = most > least ? Math.max(0, Math.log(norm / least) / Math.log(most / least)) : 1;
    arrow.classList.toggle('none', !(norm > 0));
    arrow.children[2].style.strokeWidth = mode === 'gradient' && norm > 0 ? 1 + 6 * share + 'px' : '';
  }
  shown.length = 0;
  visible(0);
  const number = mode === 'time' ? 0 : 2, greatest = Math.max(...shown.map(i => costs[i][number]), 1);
  for (const i of shown) {
    if (kind(i) === LEAF) continue;
    const at = kind(i) === GROUP ? of(i, '.door') : element('i' + i), about = at.querySelector('.about');
    about.dataset.shape ??= about.textContent;
    const measured = mode === 'time' || mode === 'memory', share = costs[i][number] / (costs[0][number] || 1);
    const percent = items[i][2] > 100 ? ` · ${Math.round(100 * share)} %` : '';
    about.textContent = measured ? costs[i][number + 1] + percent : about.dataset.shape;
    at.querySelector('.bar')?.remove();
    if (!measured) continue;
    const bar = document.createElementNS(svg.namespaceURI, 'rect'), room = items[i][2] - (kind(i) === GROUP ? 20 : 16);
    for (const [name, value] of Object.entries({class: 'bar', x: 8, y: items[i][3] - (kind(i) === GROUP ? 8 : 4),
        width: px(room * costs[i][number] / greatest), height: 3, rx: 1.5}))
      bar.setAttribute(name, value);
    at.append(bar);
  }
}

// ---- what is chosen
function make(name, text, more) {
  return Object.assign(document.createElement(name), {textContent: text}, more);
}
function describe(title, sections) {
  panel.replaceChildren(make('h2', title));
  for (const [heading, rows] of sections) {
    if (heading) panel.append(make('h3', heading));
    const list = panel.appendChild(document.createElement('dl'));
    if (rows.every(row => !row[0])) list.className = 'wide';
    if (heading === 'Formula') list.classList.add('formula');
    for (const [label, text, item] of rows) {
      if (!list.classList.contains('wide')) list.append(make('dt', label));
      const entry = make('dd', item === undefined ? text : '');
      if (item !== undefined) {
        const link = make('a', text, {tabIndex: 0, role: 'button'});
        link.onclick = () => find(item);
        link.onkeydown = event => event.key === 'Enter' && find(item);
        entry.append(link);
      }
      list.append(entry);
    }
  }
}
function mark(target, near) {
  for (const old of svg.querySelectorAll('.chosen,.near')) old.classList.remove('chosen', 'near');
  target.classList.add('chosen');
  for (const arrow of near) {
    arrow.classList.add('near');
    arrow.parentNode.append(arrow);  // over the others
  }
}
function choose(i) {
  const its = groups[around(i)].ways.map(way => way[0]).filter(number => arrows[number].slice(0, 2).includes(i));
  mark(element('i' + i), its.map(number => element('a' + number)));
  const [title, sections] = details[i] ?? [element('i' + i).querySelector('.name').textContent,
                                           [['', [['', 'What it holds is left out of this page, which has no room for all.']]]]];
  describe(title, sections);
}
// The item at the end of what goes through a gate.
const beyond = i => kind(i) === GATE ? beyond(items[i][2]) : i;
function chooseArrow(number) {
  const [from, to] = arrows[number].slice(0, 2).map(beyond), arrow = element('a' + number);
  mark(arrow, [arrow]);
  const name = i => element('i' + i).querySelector('.name').textContent;
  describe(arrow.querySelector('title').textContent, [['', [['from', name(from), from], ['to', name(to), to]]]]);
}
function find(i) {
  let outer = around(i);
  for (; outer > 0; outer = around(outer)) open.add(outer);
  show();
  choose(i);
  element('i' + i).scrollIntoView({block: 'center', inline: 'center'});
}
function toggle(i) {
  open.has(i) ? open.delete(i) : open.add(i);
  show(i);
  choose(i);
  (open.has(i) ? of(i, '.room').querySelector('.title') : of(i, '.door')).focus({preventScroll: true});
}
function act(target) {
  const item = target.closest('.item'), arrow = target.closest('.arrow');
  if (arrow) chooseArrow(+arrow.id.slice(1));
  else if (target.closest('.title,.door') && groups[item.id.slice(1)]) toggle(+item.id.slice(1));
  else if (item && target.closest('[role=button]')) choose(+item.id.slice(1));
}
svg.addEventListener('click', event => act(event.target));
svg.addEventListener('keydown', event => {
  if (event.key !== 'Enter' && event.key !== ' ') return;
  event.preventDefault();
  act(event.target);
});

// ---- the label of the arrow under the pointer
const tip = document.createElementNS(svg.namespaceURI, 'g');
tip.setAttribute('class', 'tip');
svg.addEventListener('pointerover', event => {
  tip.remove();
  const arrow = event.target.closest('.arrow');
  if (!arrow) return;
  const line = arrow.children[2], {x, y} = line.getPointAtLength(line.getTotalLength() / 2);
  const text = document.createElementNS(svg.namespaceURI, 'text'), paper = document.createElementNS(svg.namespaceURI, 'rect');
  text.textContent = arrow.querySelector('title').textContent;
  tip.replaceChildren(paper, text);
  arrow.parentNode.parentNode.append(tip);  // over the items of its group
  const wide = text.getComputedTextLength() + 14;
  for (const [name, value] of Object.entries({x: -wide / 2, y: -14, width: wide, height: 20, rx: 5}))
    paper.setAttribute(name, value);
  tip.setAttribute('transform', `translate(${px(x)} ${px(y)})`);
});
svg.addEventListener('pointerleave', () => tip.remove());

// ---- tools
tools.hidden = false;
tools.addEventListener('change', event => { mode = event.target.value; measure(); });
const centre = () => stage.scrollTo((stage.scrollWidth - stage.clientWidth) / 2, 0);
const fit = () => Math.min(1, (stage.clientWidth - 10) / box[0].w);
const acts = {
  more() {
    const next = [...open, 0].flatMap(g => groups[g].items.filter(i => groups[i] && !open.has(i)));
    for (const i of next.slice(0, 60)) open.add(i);
    show();
    centre();
  },
  less() { open.clear(); show(); centre(); },
  in() { scale = Math.min(3, scale * 1.25); resize(); },
  out() { scale = Math.max(0.1, scale / 1.25); resize(); },
  fit() { scale = fit(); resize(); },
};
tools.addEventListener('click', event => acts[event.target.dataset.act]?.());
show();
scale = Math.max(0.6, fit());
resize();
centre();
})();
)js";

}  // namespace heed::drawing
