#include "layers/inspect/attention_page_data.h"

namespace heed::attention_view {

// Plain JavaScript for any browser of the last years. Drawings are made of as few elements as can be: one path
// for all cells of a colour.
std::string_view script() {
  return R"js(
const find = id => document.getElementById(id);
const safe = text => String(text).replace(/[&<>"]/g, c => "&#" + c.charCodeAt(0) + ";");
const three = x => x === null || Number.isNaN(x) ? "–" : x.toFixed(3);
const short = x => x === null ? "–" : x.toFixed(2);
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const at = {example: 0, group: 0, layer: 0, head: 0, row: 0};

// As packed() in C++: weights in thousandths, runs of zeros.
function unpack(data) {
  const values = [];
  for (let i = 0; i < data.length; i++) {
    const first = DIGITS.indexOf(data[i]);
    if (first < 32) {
      const value = 32 * first + DIGITS.indexOf(data[++i]);
      values.push(value === 1023 ? NaN : value / 1000);
    } else for (let k = 31; k < first; k++) values.push(0);
  }
  return values;
}
const weights = head => head.values || (head.values = unpack(head.data));
const darkest = (values, columns) =>
  values.reduce((most, x) => x > most ? x : most, Math.min(1, 4 / Math.max(1, columns)));
const level = (value, high) => Math.round(32 * Math.min(1, value / high));
const longest = labels => Math.max(1, ...labels.map(label => [...label].length));

const example = () => DATA[at.example];
const group = () => example().groups[at.group];
const layer = () => group().layers[at.layer];
const head = () => layer().heads[at.head];
const row = (g, from) => weights(from).slice(at.row * g.columns.length, (at.row + 1) * g.columns.length);

// A map with labels, in `room` pixels if it can; `marked` is a row with a frame, `right` are texts behind the
// rows. Column labels stay in sight when the map is scrolled.
function heat({name, room, rows, columns, values, marked, right}) {
  const left = longest(rows) * 7.3 + 10, behind = right ? longest(right) * 7.3 + 14 : 2;
  const cell = Math.max(13, Math.min(26, Math.floor((room - left - behind) / columns.length)));
  const tall = longest(columns) > 1 && longest(columns) * 7.3 > cell;
  const top = tall ? longest(columns) * 7.3 + 12 : 22;
  const width = left + cell * columns.length + behind, height = cell * rows.length + 4;
  const high = darkest(values, columns.length), side = cell - 1, paths = {};
  const svg = (tall, more) => `<svg class="heed-plot" width="${width.toFixed(0)}" height="${tall.toFixed(0)}" ` +
    `viewBox="0 0 ${width.toFixed(1)} ${tall.toFixed(1)}" ${more}>`;
  values.forEach((value, i) => {
    const x = left + cell * (i % columns.length), y = 2 + cell * Math.floor(i / columns.length);
    const key = Number.isNaN(value) ? "nan" : "r" + level(value, high);
    paths[key] = (paths[key] || "") + `M${x.toFixed(1)} ${y}h${side}v${side}h-${side}z`;
  });
  let out = `<div class="above">${svg(top, 'aria-hidden="true"')}`;
  columns.forEach((label, j) => {
    const x = left + cell * (j + .5);
    out += tall ? `<text class="label" transform="translate(${x + 4} ${top - 6}) rotate(-90)">${safe(label)}</text>`
                : `<text class="label middle" x="${x}" y="${top - 7}">${safe(label)}</text>`;
  });
  out += `</svg></div>${svg(height, `role="img" aria-label="${safe(name)}" data-cell="${cell}" data-left="${left}"`)}`;
  rows.forEach((label, i) => {
    const y = cell * (i + .5) + 6;
    out += `<text class="label end${i === marked ? " now" : ""}" x="${left - 7}" y="${y}">${safe(label)}</text>`;
    if (right) out += `<text class="end" x="${width - 2}" y="${y}">${safe(right[i])}</text>`;
  });
  for (const key in paths) out += `<path class="${key}" d="${paths[key]}"/>`;
  if (marked !== undefined)
    out += `<rect class="frame" x="${left - 1}" y="${1 + cell * marked}" rx="2" ` +
      `width="${cell * columns.length + 1}" height="${cell + 1}"/>`;
  return out + "</svg>";
}

// From the row to the places that it looks at.
function links() {
  const g = group(), look = row(group(), head()), high = darkest(look, look.length), line = 20;
  const half = labels => Math.min(120, longest(labels) * 7.3 + 8);
  const from = half(g.rows), to = from + 90, bar = to + half(g.columns) + 6, end = 440;
  const height = line * Math.max(g.rows.length, look.length) + 6, y = i => line * (i + .5) + 3;
  let out = `<svg class="heed-plot" role="img" aria-label="links and weights" width="440" height="${height}" ` +
    `viewBox="0 0 440 ${height}">`;
  look.forEach((weight, j) => {
    if (weight < .005) return;
    out += `<path class="link" d="M${from + 4} ${y(at.row)}C${from + 46} ${y(at.row)} ${to - 46} ${y(j)} ` +
      `${to - 4} ${y(j)}" style="stroke-width:${(.5 + 4 * weight / high).toFixed(1)};` +
      `opacity:${Math.min(1, .15 + .85 * weight / high).toFixed(2)}"/>`;
  });
  g.rows.forEach((label, i) => out += `<g class="choose" data-row="${i}"><rect class="hit" x="0" y="${y(i) - 10}" ` +
    `width="${from}" height="${line}"/><text class="label end${i === at.row ? " now" : " past"}" x="${from - 2}" ` +
    `y="${y(i) + 4}">${safe(label)}</text></g>`);
  g.columns.forEach((label, j) => {
    const dim = look[j] < .005 ? " past" : "";
    out += `<text class="label${dim}" x="${to}" y="${y(j) + 4}">${safe(label)}</text>`;
    if (!dim) out += `<rect class="bar" x="${bar}" y="${y(j) - 6}" rx="2" height="12" ` +
      `width="${Math.max(1, (end - 44 - bar) * look[j] / high).toFixed(1)}"/>`;
    if (!dim) out += `<text class="end" x="${end}" y="${y(j) + 4}">${three(look[j])}</text>`;
  });
  return out + "</svg>";
}

// The same for patches: an image of weights, places without a patch above it.
function image(rows, columns, before) {
  const look = row(group(), head()), high = darkest(look, look.length);
  const cell = Math.max(8, Math.min(56, Math.floor(392 / Math.max(rows, columns)))), top = 30 * before + (before ? 8 : 0);
  let out = `<svg class="heed-plot" role="img" aria-label="weights as an image" width="${cell * columns + 4}" ` +
    `height="${top + cell * rows + 4}" viewBox="-2 -2 ${cell * columns + 4} ${top + cell * rows + 4}">`;
  look.forEach((weight, j) => {
    const patch = j - before, of = patch < 0 ? [0, 30 * j, 24, 24] :
      [cell * (patch % columns), top + cell * Math.floor(patch / columns), cell - 1, cell - 1];
    out += `<g class="choose" data-row="${j}"><rect class="r${level(weight, high)}${j === at.row ? " here" : ""}" ` +
      `x="${of[0]}" y="${of[1]}" width="${of[2]}" height="${of[3]}"><title>${safe(group().columns[j])}: ` +
      `${three(weight)}</title></rect></g>`;
    if (patch < 0) out += `<text x="32" y="${30 * j + 17}">${safe(group().columns[j])} ${three(weight)}</text>`;
  });
  return out + "</svg>";
}

function chips(labels, style) {
  return labels.map((label, i) => `<span class="chip" ${style(i)}>${safe(label)}</span>`).join("");
}

function texts() {
  const g = group(), look = row(group(), head()), high = darkest(look, look.length);
  const done = i => i === at.row ? 'data-is="now"' : g.steps && i > at.row ? 'data-is="later"' : "";
  // Black or white, whichever is the easier to read on the colour, in either scheme.
  const ink = step => step > 20 ? "Canvas" : step > 15 ? "#000" : "CanvasText";
  const shade = j => `style="background:var(--plot-ramp-${level(look[j], high)});` +
    `color:${ink(level(look[j], high))}" title="${three(look[j])}"`;
  let out = `<div><h3>${g.steps ? "Written so far" : "From this place"}</h3><p class="chips">` +
    `${chips(g.rows, done)}</p><h3>It looks at</h3><p class="chips">${chips(g.columns, shade)}</p></div>`;
  const thought = g.steps && example().candidates[at.row];
  if (thought) out += '<div><h3>What might come here</h3><div class="candidates">' + thought.map(([token, p]) =>
    `<span class="text">${safe(token)}</span><span class="track"><i style="width:${100 * p}%"></i></span>` +
    `<span class="number">${three(p)}</span>`).join("") + "</div></div>";
  return out;
}

// Every head that looks from the same row, for each kind of places a map.
function everyHead() {
  const wide = find("every").clientWidth, room = wide >= 996 ? (wide - 36) / 2 : wide;
  let out = "";
  for (const g of example().groups) {
    if (g.steps !== group().steps || g.rollout || g.rows.length !== group().rows.length) continue;
    const rows = [], right = [];
    let values = [], marked;
    g.layers.forEach(l => l.heads.forEach(h => {
      if (h === head()) marked = rows.length;
      rows.push(l.heads.length > 1 ? l.name + ", " + h.name : l.name);
      values = values.concat(row(g, h));
      right.push(short(h.entropies[at.row]));
    }));
    out += `<figure><figcaption>${safe(g.title)} <small>entropy in bits at the right</small></figcaption>` +
      `<div class="scroll" tabindex="0" role="region" aria-label="${safe(g.title)}">` +
      heat({name: g.title, room, rows, columns: g.columns, values, marked, right}) + "</div></figure>";
  }
  return out;
}

function keepInView(box, from, size) {
  if (from < box.scrollTop || from + size > box.scrollTop + box.clientHeight)
    box.scrollTop = from - box.clientHeight / 2;
}

function show() {
  const g = group(), h = head(), [rows, columns, before] = example().patches;
  at.row = Math.max(0, Math.min(g.rows.length - 1, at.row));
  const name = `${g.title}: ${layer().name}, ${h.name}`;
  find("about").innerHTML = `<b>${safe(name)}</b>Looks at: <strong>${safe(h.looks)}</strong>. Entropy of this row ` +
    `<strong>${short(h.entropies[at.row])} bits</strong> of at most ${short(Math.log2(g.columns.length))}.`;
  find("map").innerHTML = heat({name, room: find("map").clientWidth, rows: g.rows, columns: g.columns,
    values: weights(h), marked: at.row});
  const patched = rows > 0 && g.columns.length === before + rows * columns;
  find("links").innerHTML = patched ? image(rows, columns, before) : links();
  if (!patched) keepInView(find("links"), 20 * at.row, 20);
  const cell = +find("map").lastChild.dataset.cell;
  keepInView(find("map"), cell * at.row, cell + find("map").firstChild.clientHeight);
  find("texts").innerHTML = texts();
  find("every").innerHTML = everyHead();
  find("cell").textContent = "Point at a cell for its weight.";
  find("step").max = g.rows.length - 1;
  find("step").value = at.row;
  find("where").textContent = `${g.steps ? "step" : "place"} ${at.row + 1} of ${g.rows.length}`;
  find("which").value = [at.group, at.layer, at.head].join(" ");
  document.querySelectorAll(".thumb").forEach(thumb => thumb.setAttribute("aria-pressed",
    thumb.dataset.map === [at.example, at.group, at.layer, at.head].join(" ")));
}

function choose(map) {
  [at.group, at.layer, at.head] = map;
  show();
}

function open(i) {
  at.example = i;
  // Of what looks at something, what comes last: the steps at the source, if there is one.
  at.group = example().groups.filter(g => !g.rollout).length - 1;
  at.layer = group().layers.length - 1;
  at.head = at.row = 0;
  document.querySelectorAll(".example").forEach(part => part.hidden = +part.dataset.example !== i);
  document.querySelectorAll(".pick").forEach((pick, k) => pick.setAttribute("aria-pressed", k === i));
  find("which").innerHTML = example().groups.map((g, a) => `<optgroup label="${safe(g.title)}">` +
    g.layers.map((l, b) => l.heads.map((h, c) => `<option value="${a} ${b} ${c}">${safe(l.name)}, ` +
      `${safe(h.name)}</option>`).join("")).join("") + "</optgroup>").join("");
  show();
}

function move(by) {
  at.row += by;
  show();
}

// The cell of a map under the pointer.
function under(event) {
  const svg = event.target.closest("svg[data-cell]");
  if (!svg) return null;
  const box = svg.getBoundingClientRect(), {cell, left} = svg.dataset;
  const i = Math.floor((event.clientY - box.top - 2) / cell), j = Math.floor((event.clientX - box.left - left) / cell);
  return i >= 0 && j >= 0 && i < group().rows.length && j < group().columns.length ? [i, j] : null;
}

function tell(cell) {
  if (!cell) return;
  const [i, j] = cell, g = group(), weight = weights(head())[i * g.columns.length + j];
  find("cell").textContent = `“${g.rows[i]}” (${i + 1}) looks at “${g.columns[j]}” (${j + 1}): ${three(weight)}`;
}

document.body.classList.add("live");
find("one").hidden = false;
document.querySelectorAll(".thumb").forEach(thumb => thumb.addEventListener("click", () => {
  choose(thumb.dataset.map.split(" ").slice(1).map(Number));
  find("one").scrollIntoView({behavior: "smooth"});
}));
document.querySelectorAll(".pick").forEach((pick, i) => pick.addEventListener("click", () => open(i)));
find("which").addEventListener("change", event => choose(event.target.value.split(" ").map(Number)));
find("step").addEventListener("input", event => move(event.target.value - at.row));
find("back").addEventListener("click", () => move(-1));
find("forth").addEventListener("click", () => move(1));
find("map").addEventListener("mousemove", event => tell(under(event)));
find("map").addEventListener("click", event => {
  const cell = under(event);
  if (!cell) return;
  move(cell[0] - at.row);
  tell(cell);
});
find("links").addEventListener("click", event => {
  const chosen = event.target.closest("[data-row]");
  if (chosen) move(chosen.dataset.row - at.row);
});
window.addEventListener("resize", show);
document.addEventListener("keydown", event => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, select, .scroll")) return;
  if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
  event.preventDefault();
  move(event.key === "ArrowLeft" ? -1 : 1);
});
open(0);
)js";
}

}  // namespace heed::attention_view
