'use strict';

// Figures of series fill the width that there is, and show any part of what they hold: by
// buttons, by dragging, by two fingers, and by the wheel with Ctrl.

const ROWS = '0', STAMPS = '2';
const STEPS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800, 1209600, 2419200, 7862400, 31449600];

function ticks(scale, from, to, most) {
  const least = (to - from) / most;
  let step = 10 ** Math.floor(Math.log10(least));
  for (const by of [2, 2.5, 2]) if (step < least * (1 - 1e-9)) step *= by;
  if (scale === ROWS) step = Math.max(step, 1);
  if (scale === STAMPS && step > 0.5) step = STEPS.find(s => s >= least) || STEPS[STEPS.length - 1];
  const all = [];
  for (let k = Math.ceil(from / step - 1e-9); k * step <= to + step * 1e-9 && all.length <= 2 * most; k++) {
    all.push([k * step + 0, text(scale, k * step + 0, step)]);
  }
  return all;
}

function text(scale, value, step) {
  if (scale === STAMPS) {
    const stamp = new Date(Math.round(value * 1000)).toISOString();
    if (step >= 86400 || value % 86400 === 0) return stamp.slice(0, 10);
    return stamp.slice(11, step >= 60 ? 16 : step >= 1 ? 19 : 23);
  }
  return value.toFixed(Math.min(9, Math.max(0, -Math.floor(Math.log10(step) + 1e-9))));
}

function element(name, attributes, content) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  if (content) e.textContent = content;
  return e;
}

function zoomable(svg) {
  const { scale } = svg.dataset;
  const [from, to, first, last, width, margin] = ['from', 'to', 'left', 'right', 'width', 'margin'].map(key => +svg.dataset[key]);
  const panels = svg.querySelectorAll('svg.pan'), axis = svg.querySelector('g.ticks');
  const height = svg.viewBox.baseVal.height, bottom = +axis.querySelector('text').getAttribute('y') - 16;
  const rest = svg.viewBox.baseVal.width - margin - width;
  let left = 0, span = width, seen = width; // in the units of the panels; seen is in pixels

  function draw() {
    const whole = svg.clientWidth;
    if (!whole) return;
    seen = Math.max(whole - margin - rest, 50);
    svg.setAttribute('viewBox', `0 0 ${margin + seen + rest} ${height}`);
    for (const p of panels) {
      p.setAttribute('width', seen);
      p.setAttribute('viewBox', `${left} 0 ${span} ${p.viewBox.baseVal.height}`);
    }
    const value = at => from + at / width * (to - from), a = value(left), b = value(left + span);
    const name = scale === ROWS ? 'row' : scale === STAMPS && b - a < 4 * 86400 ? new Date(a * 1000).toISOString().slice(0, 10) : 'time';
    axis.replaceChildren(element('text', { class: 't quiet', fill: '#565c68', x: margin - 26, y: bottom + 16, 'font-size': 11, 'text-anchor': 'end' }, name));
    for (const [v, label] of ticks(scale, a, b, Math.max(2, Math.floor(seen / 70)))) {
      const x = margin + (v - a) / (b - a) * seen;
      axis.append(element('path', { class: 'l quiet', fill: 'none', stroke: '#565c68', d: `M${x} ${bottom}v4` }),
        element('text', { class: 't quiet', fill: '#565c68', x, y: bottom + 16, 'font-size': 11, 'text-anchor': 'middle' }, label));
    }
  }

  // show shows so many units from a place on.
  function show(at, units) {
    span = Math.min(Math.max(units, width / 1000), last - first);
    left = Math.min(Math.max(at, first), last - span);
    draw();
  }

  // zoom has what is at a pixel stay there.
  const zoom = (by, pixel) => show(left + span * pixel / seen * (1 - by), span * by);
  const inside = e => e.clientX - svg.getBoundingClientRect().left - margin;

  const buttons = document.createElement('div');
  buttons.className = 'buttons';
  for (const [sign, title, act] of [['−', 'show more', () => zoom(2, seen / 2)], ['+', 'show less, larger', () => zoom(0.5, seen / 2)],
    ['←', 'earlier', () => show(left - span / 2, span)], ['→', 'later', () => show(left + span / 2, span)], ['↺', 'as it was', () => show(0, width)]]) {
    const b = document.createElement('button');
    b.type = 'button';
    b.textContent = sign;
    b.title = title;
    b.setAttribute('aria-label', title);
    b.onclick = act;
    buttons.append(b);
  }
  svg.previousElementSibling.append(buttons);

  const fingers = new Map();
  svg.onpointerdown = e => { fingers.set(e.pointerId, inside(e)); svg.setPointerCapture(e.pointerId); };
  svg.onpointerup = svg.onpointercancel = e => fingers.delete(e.pointerId);
  svg.onpointermove = e => {
    const before = fingers.get(e.pointerId), now = inside(e);
    if (before === undefined) return;
    fingers.set(e.pointerId, now);
    const other = [...fingers].find(([id]) => id !== e.pointerId);
    if (!other) show(left - (now - before) / seen * span, span);
    else if (Math.abs(now - other[1]) > 10) zoom(Math.abs(before - other[1]) / Math.abs(now - other[1]), other[1]);
  };
  svg.addEventListener('wheel', e => {
    if (!e.ctrlKey) return;
    e.preventDefault();
    zoom(1.002 ** e.deltaY, inside(e));
  }, { passive: false });
  svg.style.maxWidth = 'none';
  new ResizeObserver(draw).observe(svg);
  draw();
}

for (const svg of document.querySelectorAll('svg.zoom')) zoomable(svg);
