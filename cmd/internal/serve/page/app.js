'use strict';

const $ = id => document.getElementById(id);
const colors = ['#d55e00', '#0072b2', '#009e73', '#e69f00', '#cc79a7', '#56b4e9', '#f0e442']; // as in package plot
const large = 1 << 20; // larger files are sent as they are, without a look at them in the form

let models = [];
let file = null;    // that is too large for the form
let shown = null;   // what is drawn
let playing = null; // ends the stream that is played

// element makes an element of the document.
function element(tag, properties, ...children) {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children);
  return e;
}

// ask asks the server. An answer that is an error is thrown as its text.
async function ask(path, options = {}) {
  const token = $('token').value;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(path, { ...options, headers });
  if (answer.ok) {
    return answer;
  }
  $('login').hidden = answer.status !== 401 && !token;
  let text = await answer.text();
  try {
    text = JSON.parse(text).error;
  } catch { /* it is the text of something between here and the server */ }
  throw new Error(text || `${answer.status} ${answer.statusText}`);
}

// busy does something that takes time, and says what went wrong.
async function busy(button, work) {
  $('message').textContent = '';
  button.disabled = true;
  try {
    await work();
  } catch (e) {
    $('message').textContent = e.message;
  } finally {
    button.disabled = false;
    update();
  }
}

// --- models

async function load() {
  models = (await (await ask('v1/models')).json()).models;
  $('models').replaceChildren(...models.map(card));
  $('model').replaceChildren(...models.map((m, i) => new Option(m.name, i)));
  $('status').textContent = models.length === 1 ? '1 model' : `${models.length} models`;
  update();
}

const model = () => models[$('model').value];

// card tells what a model is, what it was trained on and how good it is.
function card(m) {
  const list = element('dl');
  const add = (name, value) => value && list.append(element('dt', {}, name), element('dd', {}, value));
  add('Version', `${m.version}, made ${new Date(m.created).toLocaleDateString()} by rnnbin ${m.rnnbin}`);
  add('Features', m.features.join(', '));
  add('Classes', m.classes.join(', '));
  add('Trained on', m.training_rows ? `${m.training_rows.toLocaleString()} rows` : 'not known');
  add('Networks', `${m.members}, together ${m.parameters.toLocaleString()} parameters`);
  add('Looks ahead', m.lookahead === 'all' ? 'over the whole series' : `${m.lookahead} rows`);
  add('Streams', m.wait === undefined ? 'no: labels depend on all later rows' : m.wait ? `yes, ${m.wait} rows late` : 'yes, at once');
  const reports = m.reports || {};
  for (const [name, r] of [['Held back', reports.judged && reports.judged.report], ['Test', reports.test]]) {
    add(name, r && goodness(r, m));
  }
  const baseline = reports.judged && reports.judged.report.baselines && reports.judged.report.baselines[0];
  add('Baseline', baseline && `${baseline.name}: ${goodness(baseline, m)}`);
  return element('article', {}, element('h3', {}, m.name), list);
}

// goodness is the scores of a report.
function goodness(r, m) {
  const scores = [['F1', m.classes.length === 2 ? r.f1 : null], ['macro F1', r.macro_f1], ['accuracy', r.accuracy], ['PR AUC', r.pr_auc]];
  return scores.filter(([, v]) => typeof v === 'number').map(([name, v]) => `${name} ${v.toFixed(3)}`).join(', ');
}

// update has the form fit the model.
function update() {
  const m = model();
  $('label').disabled = !m || playing !== null;
  $('play').disabled = !m || m.wait === undefined;
  $('play').textContent = playing ? 'Stop' : 'Play as a stream';
  $('wants').textContent = m ? `Columns: ${m.features.join(', ')}; others are left as they are` : '';
}

// --- tables

// parse reads CSV, with the delimiter that its first line has most of.
function parse(text) {
  const first = text.slice(0, (text.indexOf('\n') + 1 || text.length + 1) - 1);
  const count = c => first.split(c).length;
  const delimiter = [',', ';', '\t'].sort((a, b) => count(b) - count(a))[0];
  const rows = [];
  let row = [], field = '', quoted = false;
  const endField = () => { row.push(field); field = ''; };
  const endRow = () => { endField(); if (row.length > 1 || row[0] !== '') rows.push(row); row = []; };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c !== '"') field += c;
      else if (text[i + 1] === '"') field += text[++i];
      else quoted = false;
    } else if (c === '"' && field === '') quoted = true;
    else if (c === delimiter) endField();
    else if (c === '\n') endRow();
    else if (c !== '\r') field += c;
  }
  endRow();
  return { header: rows.shift() || [], rows };
}

// numbers are the columns of a table that a model takes.
function numbers(table, m) {
  return m.features.map(name => {
    const i = table.header.indexOf(name);
    if (i < 0) {
      throw new Error(`There is no column "${name}"; columns: ${table.header.join(', ')}`);
    }
    return table.rows.map(row => row[i] === undefined || row[i].trim() === '' ? NaN : Number(row[i]));
  });
}

function offer(id, text) {
  URL.revokeObjectURL($(id).href);
  $(id).href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  $(id).hidden = false;
}

// --- labelling

async function label() {
  const m = model();
  const body = file || $('text').value;
  const at = `v1/models/${encodeURIComponent(m.name)}:label?format=csv`;
  const [labelled, events] = await Promise.all([at, `${at}&events=1`].map(async url => (await ask(url, { method: 'POST', body })).text()));
  const table = parse(labelled);
  const last = name => table.header.findLastIndex(column => column.startsWith(name));
  const of = last('predicted_label');
  begin(m, numbers(table, m), table.rows.map(row => m.classes.indexOf(row[of])));
  offer('download', labelled);
  offer('download-events', events);
  const found = parse(events);
  $('events-head').replaceChildren(tableRow('th', found.header));
  $('events').replaceChildren(...found.rows.slice(0, 1000).map(row => tableRow('td', row)));
  const counts = m.classes.map((name, k) => `${shown.labels.filter(l => l === k).length.toLocaleString()} ${name}`);
  $('summary').textContent = `${table.rows.length.toLocaleString()} rows: ${counts.join(', ')}; ${found.rows.length} ${found.rows.length === 1 ? 'event' : 'events'}`;
  draw();
}

const tableRow = (cell, values) => element('tr', {}, ...values.map(v => element(cell, {}, v)));

// begin shows a series of a model.
function begin(m, columns, labels) {
  shown = { model: m, columns, labels };
  $('result').hidden = false;
  $('legend').replaceChildren(...m.classes.map((name, k) => {
    const box = element('i');
    box.style.background = k ? color(k) : 'transparent';
    return element('li', {}, box, name);
  }));
  $('download').hidden = $('download-events').hidden = true;
  $('from').max = Math.max(0, labels.length - 10);
  $('from').value = 0;
  $('shown').max = Math.max(10, labels.length);
  $('shown').value = $('shown').max;
  $('ranges').hidden = labels.length <= 10;
}

// --- a stream

// play sends rows as they would come, each with what is to be known of those before: as requests
// of a session, which a server with a token takes, too.
async function play() {
  const m = model();
  const columns = numbers(parse(file ? await file.text() : $('text').value), m);
  const total = columns[0].length;
  const session = `page-${Math.random().toString(36).slice(2)}`;
  const at = `v1/models/${encodeURIComponent(m.name)}:predict`;
  const rate = Math.min(200, Math.max(1, Number($('rate').value) || 20));
  let stopped = false, sent = 0, run = null, found = 0;
  playing = () => { stopped = true; };
  update();
  begin(m, columns.map(() => []), []);
  $('ranges').hidden = true;
  $('events-head').replaceChildren(tableRow('th', ['first row', 'last row', 'label']));
  $('events').replaceChildren();
  $('play').disabled = false;
  const endRun = to => {
    if (run !== null && run.label > 0) {
      found++;
      $('events').prepend(tableRow('td', [run.from, to, m.classes[run.label]]));
    }
  };
  const begun = performance.now();
  while (sent < total && !stopped) {
    const due = Math.min(total, Math.ceil((performance.now() - begun) / 1000 * rate));
    if (due > sent) {
      const rows = Array.from({ length: due - sent }, (_, i) => columns.map(column => column[sent + i]));
      const answer = await (await ask(at, { method: 'POST', body: JSON.stringify({ inputs: [rows], session, end: due === total }) })).json();
      rows.forEach(row => row.forEach((v, k) => shown.columns[k].push(v)));
      sent = due;
      answer.outputs.labels[0].forEach((name, i) => {
        const k = m.classes.indexOf(name);
        shown.labels.push(k);
        if (run === null || run.label !== k) {
          endRun(answer.first + i - 1);
          run = { from: answer.first + i, label: k };
        }
        const p = answer.outputs.probabilities[0][i][k];
        $('summary').textContent = `Row ${answer.first + i} of ${total}: ${name}, probability ${p.toFixed(3)}; ${found} events`;
      });
      draw(300);
    }
    await new Promise(resolve => setTimeout(resolve, 1000 / rate));
  }
  endRun(shown.labels.length - 1);
  if (stopped && sent > 0 && sent < total) {
    await ask(`v1/models/${encodeURIComponent(m.name)}/sessions/${session}`, { method: 'DELETE' });
  }
  playing = null;
  $('summary').textContent = `${shown.labels.length} rows, ${found} ${found === 1 ? 'event' : 'events'}`;
  begin(m, shown.columns, shown.labels);
  draw();
}

// --- drawing

const color = k => colors[(k - 1) % colors.length];

// draw draws rows: a lane for each feature, over what they are labelled; the last ones, if a
// number is given.
function draw(last) {
  if (shown === null) return;
  const { model: m, columns, labels } = shown;
  const total = columns[0].length;
  const n = Math.max(1, Math.min(last || Number($('shown').value), total));
  const from = last ? total - n : Math.min(Number($('from').value), total - n);
  const lanes = Math.min(columns.length, 8), lane = 90, strip = 14;
  const canvas = $('chart'), ratio = window.devicePixelRatio || 1;
  canvas.style.height = `${lanes * lane + strip}px`;
  const W = canvas.clientWidth, H = lanes * lane + strip;
  canvas.width = W * ratio;
  canvas.height = H * ratio;
  const c = canvas.getContext('2d');
  c.scale(ratio, ratio);
  const style = getComputedStyle(document.body), text = style.color;
  const x = row => (row - from) / n * W;
  for (let i = from; i < from + n && i < labels.length;) {
    let end = i + 1;
    while (end < from + n && labels[end] === labels[i]) end++;
    if (labels[i] > 0) {
      c.fillStyle = color(labels[i]);
      c.globalAlpha = 0.22;
      c.fillRect(x(i), 0, Math.max(1, x(end) - x(i)), H);
      c.globalAlpha = 1;
      c.fillRect(x(i), H - strip, Math.max(1, x(end) - x(i)), strip);
    }
    i = end;
  }
  c.strokeStyle = c.fillStyle = text;
  c.font = `12px ${style.fontFamily}`;
  for (let k = 0; k < lanes; k++) {
    drawLane(c, columns[k], from, n, k * lane, lane, W);
    c.fillText(m.features[k], 4, k * lane + 13);
  }
  canvas.setAttribute('aria-label', `Rows ${from} to ${from + n - 1} of ${lanes} features, with ${runs(labels, from, from + n)} labelled parts`);
}

// runs is how many runs of labels other than the first class there are.
function runs(labels, from, to) {
  let count = 0;
  for (let i = from; i < to; i++) if (labels[i] > 0 && (i === from || labels[i - 1] !== labels[i])) count++;
  return count;
}

// drawLane draws a feature: its smallest and largest value where several rows share a pixel.
function drawLane(c, values, from, n, top, height, W) {
  let low = Infinity, high = -Infinity;
  for (let i = from; i < from + n; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  if (!(low <= high)) return;
  const y = v => top + height - 6 - (high > low ? (v - low) / (high - low) : 0.5) * (height - 26);
  const per = Math.max(1, n / W);
  c.beginPath();
  let gap = true;
  for (let at = 0; at < n; at += per) {
    let a = Infinity, b = -Infinity;
    for (let i = from + Math.floor(at); i < from + Math.min(n, Math.floor(at + per)); i++) {
      if (values[i] < a) a = values[i];
      if (values[i] > b) b = values[i];
    }
    const place = (at + per / 2) / n * W;
    if (!(a <= b)) {
      gap = true;
      continue;
    }
    if (gap) c.moveTo(place, y(a));
    else c.lineTo(place, y(a));
    if (b > a) c.lineTo(place, y(b));
    gap = false;
  }
  c.stroke();
}

// --- what a person does

// take puts a file into the form or, if it is large, beside it.
async function take(f) {
  if (!f) return;
  file = f.size > large ? f : null;
  $('text').value = file ? '' : await f.text();
  $('text').required = !file;
  $('text').placeholder = file ? `${f.name}, ${(f.size / 1e6).toFixed(1)} MB` : '';
}

$('file').addEventListener('change', e => take(e.target.files[0]));
$('text').addEventListener('input', () => { file = null; $('text').required = true; });
for (const [name, over] of [['dragover', true], ['dragleave', false], ['drop', false]]) {
  $('text').addEventListener(name, e => {
    e.preventDefault();
    $('text').classList.toggle('over', over);
    if (name === 'drop') {
      if (e.dataTransfer.files.length) take(e.dataTransfer.files[0]);
      else $('text').value = e.dataTransfer.getData('text');
    }
  });
}
$('text').addEventListener('paste', e => { // a browser is slow to edit so many lines
  const all = e.clipboardData.getData('text');
  if (all.length > large / 16) {
    e.preventDefault();
    $('text').value = all;
  }
});
$('model').addEventListener('change', update);
$('rows').addEventListener('submit', e => {
  e.preventDefault();
  busy($('label'), label);
});
$('play').addEventListener('click', () => {
  if (playing) playing();
  else if ($('rows').reportValidity()) busy($('play'), play).finally(() => { playing = null; update(); });
});
$('login').addEventListener('submit', e => {
  e.preventDefault();
  start();
});
for (const id of ['from', 'shown']) $(id).addEventListener('input', () => draw());
window.addEventListener('resize', () => { if (!playing) draw(); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => draw());

function start() {
  load().then(() => { $('message').textContent = ''; }, e => { $('status').textContent = e.message; });
}
start();
