#include "autograd/inspect/replay_data.h"

namespace heed::replaying {

// Plain JavaScript for any browser of the last years. A map is one path for all cells of a colour.
std::string_view script() {
  return R"js(
const find = id => document.getElementById(id);
const safe = text => String(text).replace(/[&<>"]/g, c => "&#" + c.charCodeAt(0) + ";");
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const ROLES = ["Operands", "Output", "Arrived", "Sent on"];
const short = x => Number.isNaN(x) ? "NaN" : !Number.isFinite(x) ? (x < 0 ? "−∞" : "∞") :
  String(+x.toPrecision(3)).replace("-", "−");
const steps = STEPS.map(([kind, number, operation, name, module, line, shape, formulas, definitions, note, held,
  stops, uses]) => ({kind, number, operation, name, module, line, shape, formulas, definitions, note, held, stops,
  uses: uses.map(([role, name, origin, step, value]) => ({role, name, origin, step, value}))}));
const phase = step => step.kind === 0 ? "forward" : "backward";
const title = step => (step.operation ? "#" + step.operation + " " : "") + step.name;
let now = 0, noting = 0;

// As packed() in C++.
function cells(value) {
  const [, , , , , , , , greatest, data] = VALUES[value], out = [];
  for (let i = 0; i < data.length; i += 2) {
    const code = 64 * DIGITS.indexOf(data[i]) + DIGITS.indexOf(data[i + 1]);
    out.push(code === 0 ? NaN : code === 1 ? -Infinity : code === 4095 ? Infinity : (code - 2048) / 2046 * greatest);
  }
  return out;
}

function map(value, room) {
  const [, , , , rows, columns, , , greatest] = VALUES[value], paths = {};
  const cell = Math.max(4, Math.min(18, Math.floor(room / columns), Math.floor(260 / rows))), gap = cell > 6 ? 1 : 0;
  cells(value).forEach((x, i) => {
    const level = Number.isFinite(x) && greatest > 0 ? Math.round(12 * Math.abs(x) / greatest) : 0;
    const key = !Number.isFinite(x) ? "bad" : level === 0 ? "" : (x < 0 ? "n" : "p") + level;
    if (key === "") return;
    const side = cell - gap;
    paths[key] = (paths[key] || "") +
      `M${cell * (i % columns)} ${cell * Math.floor(i / columns)}h${side}v${side}h-${side}z`;
  });
  let out = `<svg class="map" data-value="${value}" width="${cell * columns}" height="${cell * rows}" ` +
    `viewBox="0 0 ${cell * columns} ${cell * rows}" role="img" aria-label="map of the value">`;
  for (const key in paths)
    out += key === "bad" ? `<path class="bad" d="${paths[key]}"/>` :
      `<path class="${key[0]}" fill-opacity="${(key.slice(1) / 12).toFixed(2)}" d="${paths[key]}"/>`;
  const most = short(greatest);
  return out + `</svg><div class="key" style="width:${Math.max(150, cell * columns)}px"><span>−${most}</span>` +
    `<span>0</span><span>${most}</span></div>`;
}

function card(use, room) {
  const [shape, type, summary, numbers, rows, columns] = VALUES[use.value];
  const count = shape.reduce((product, extent) => product * extent, 1);
  const way = use.role === 3 ? "to " : "from ";
  const origin = !use.origin ? "" : `<span class="from">${way}` + (use.step ?
    `<a href="#${use.step}">${safe(use.origin)}</a>` : safe(use.origin)) + "</span>";
  let out = `<div class="value"><h4><b>${safe(use.name)}</b><small>[${shape.join(", ")}] ${safe(type)}</small>` +
    `${origin}</h4>`;
  if (count === 1) return out + `<p class="one">${safe(numbers.replace(/[\[\]]/g, ""))}</p></div>`;
  if (rows * columns > 0) out += map(use.value, room);
  if (numbers) out += `<p class="text numbers">${safe(numbers)}</p>`;
  return out + `<p class="about"${numbers ? ' hidden="hidden"' : ""}>${safe(summary)}</p></div>`;
}

// Where a breakpoint held, what the step is, its formula, and its values by what they are to it.
function about(step) {
  const facts = [];
  if (step.held.length) facts.push(["stopped", `<span class="held">breakpoint ${step.held.map(safe).join("; ")}</span>`]);
  else if (step.stops) facts.push(["stopped", "by a step"]);
  if (step.module) facts.push([step.kind === 2 ? "of" : "module", `<span class="text">${safe(step.module)}</span>`]);
  if (step.line && step.kind !== 2) facts.push(["line", `<span class="text">${safe(step.line)}</span>`]);
  let out = `<div class="head"><span class="phase ${phase(step)}">${phase(step)}</span><h2>${safe(title(step))}</h2>` +
    `<small>${safe(step.shape)}</small></div>`;
  if (facts.length) out += `<dl class="facts">${facts.map(([name, what]) => `<dt>${name}</dt><dd>${what}</dd>`).join("")}</dl>`;
  if (step.kind === 2) out += '<p class="note">The gradient of this leaf is complete.</p>';
  if (step.formulas.length) out += `<p class="text formula">${step.formulas.map(safe).join("\n")}` +
    `${step.definitions ? `<small>with ${safe(step.definitions)}</small>` : ""}` +
    `${step.note ? `<small>${safe(step.note)}</small>` : ""}</p>`;
  const room = Math.min(320, find("run").clientWidth);
  for (const role of step.kind === 0 ? [0, 1] : [2, 3, 1, 0]) {
    const uses = step.uses.filter(use => use.role === role);
    if (!uses.length) continue;
    const heading = step.kind === 2 && role === 1 ? "The leaf" : step.kind === 1 && role < 2 ?
      ROLES[role] + " of the forward pass" : role === 1 && uses.length > 1 ? "Outputs" : ROLES[role];
    out += `<div class="group"><h3>${heading}</h3><div class="values">` +
      `${uses.map(use => card(use, room)).join("")}</div></div>`;
  }
  return out;
}

function near() {
  const first = Math.max(0, Math.min(now - 6, steps.length - 15));
  return steps.slice(first, first + 15).map((step, i) => `<li><button type="button" data-step="${first + i}" ` +
    `data-phase="${phase(step)}" aria-current="${first + i === now}"><span class="number">${step.number}</span>` +
    `<span class="name">${step.held.length ? '<span class="held">● </span>' : ""}${safe(title(step))}` +
    `${step.module && step.kind !== 2 ? `<small>${safe(step.module)}</small>` : ""}</span></button></li>`).join("");
}

// Runs of equal steps as one rectangle each.
function strip() {
  let out = "";
  const run = (kind, y, height, of) => {
    for (let i = 0, end; i < steps.length; i = end) {
      for (end = i + 1; end < steps.length && of(steps[end]) === of(steps[i]);) end++;
      if (of(steps[i])) out += `<rect class="${kind || of(steps[i])}" x="${i}" y="${y}" width="${end - i}" height="${height}"/>`;
    }
  };
  run("", 10, 8, step => step.kind === 0 ? "f" : "b");
  run("s", 4, 4, step => step.stops && !step.held.length);
  run("h", 1, 7, step => step.held.length > 0);
  find("strip").setAttribute("viewBox", `0 0 ${steps.length} 18`);
  find("strip").innerHTML = out + '<rect class="at" id="at" y="0" height="18"/>';
}

const stop = way => {
  for (let i = now + way; i >= 0 && i < steps.length; i += way) if (steps[i].stops) return i;
  return -1;
};

function show(to, quiet) {
  now = Math.max(0, Math.min(steps.length - 1, to));
  find("now").innerHTML = about(steps[now]);
  find("near").innerHTML = near();
  find("step").value = now + 1;
  find("where").textContent = `${now + 1} of ${steps.length}`;
  find("back").disabled = now === 0;
  find("forth").disabled = now === steps.length - 1;
  find("stop-back").disabled = stop(-1) < 0;
  find("stop-forth").disabled = stop(1) < 0;
  const wide = steps.length / 250;
  find("at").setAttribute("x", now + .5 - wide / 2);
  find("at").setAttribute("width", wide);
  if (quiet) return;
  clearTimeout(noting);  // a browser lets a page change its address a few times a second
  noting = setTimeout(() => history.replaceState(null, "", "#" + steps[now].number), 300);
}

// The element under the pointer, and what it stands for.
function point(event) {
  const svg = event.target.closest && event.target.closest(".map");
  if (!svg) return;
  const [shape, , , , rows, columns, high, wide] = VALUES[svg.dataset.value], box = svg.getBoundingClientRect();
  const column = Math.min(columns - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * columns)));
  const row = Math.min(rows - 1, Math.max(0, Math.floor((event.clientY - box.top) / box.height * rows)));
  const last = shape.length ? shape[shape.length - 1] : 1, places = [column * wide];
  for (let axis = shape.length - 2, rest = row * high; axis >= 0; axis--) {
    places.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  const value = cells(svg.dataset.value)[row * columns + column];
  const about = svg.parentNode.querySelector(".about");
  about.hidden = false;
  about.textContent = `[${places.join(", ")}]${high > 1 || wide > 1 ? ` and what follows, ${high} × ${Math.min(wide, last)}` : ""}` +
    ` ≈ ${short(value)}`;
}

const from_hash = () => steps.findIndex(step => location.hash === "#" + step.number);
if (steps.length) {
  find("run").hidden = false;
  find("step").max = steps.length;
  strip();
  find("step").addEventListener("input", event => show(event.target.value - 1));
  find("back").addEventListener("click", () => show(now - 1));
  find("forth").addEventListener("click", () => show(now + 1));
  find("stop-back").addEventListener("click", () => show(stop(-1)));
  find("stop-forth").addEventListener("click", () => show(stop(1)));
  find("strip").addEventListener("click", event => {
    const box = find("strip").getBoundingClientRect();
    show(Math.floor((event.clientX - box.left) / box.width * steps.length));
  });
  find("near").addEventListener("click", event => {
    const button = event.target.closest("button");
    if (button) show(+button.dataset.step);
  });
  document.addEventListener("click", event => {
    const link = event.target.closest('a[href^="#"]');
    if (!link) return;
    event.preventDefault();
    show(steps.findIndex(step => link.getAttribute("href") === "#" + step.number));
    find("run").scrollIntoView();
  });
  find("now").addEventListener("pointermove", point);
  find("now").addEventListener("pointerdown", point);
  document.addEventListener("keydown", event => {
    const way = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    const scrolls = event.target.closest && event.target.closest(".tall");
    if (!way || scrolls || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = event.shiftKey ? stop(way) : now + way;
    event.preventDefault();
    if (to >= 0) show(to);
  });
  addEventListener("hashchange", () => from_hash() >= 0 && show(from_hash()));
  addEventListener("resize", () => show(now, true));
  show(Math.max(0, from_hash()), true);
}
)js";
}

}  // namespace heed::replaying
