'use strict';
(() => {
  const runs = JSON.parse(document.getElementById('data').textContent);
  const rowsPerPage = 100;
  const $ = (id) => document.getElementById(id);

  // Text from the chain only ever becomes text, never markup. Characters that would change how the text around them
  // is shown are spelled out.
  const visible = (text) => String(text).replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (c) => '\\u{' + c.codePointAt(0).toString(16) + '}');
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === 'class') element.className = value;
      else if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value);
    }
    for (const child of children) {
      if (child !== null && child !== undefined) element.append(child instanceof Node ? child : visible(child));
    }
    return element;
  };

  const whole = new Intl.NumberFormat('en-US');
  const date = (seconds) => new Date(seconds * 1000).toISOString().replace('T', ' ').replace('.000Z', ' UTC');
  const units = (decimal) => BigInt((decimal || '0').replace('.', ''));
  const tft = (value) => {
    const digits = value.toString().padStart(8, '0');
    return digits.slice(0, -7).replace(/\B(?=(\d{3})+$)/g, ',') + '.' + digits.slice(-7);
  };
  const percent = (node, run) => node.uptime === null ? null
    : Math.min(100, node.uptime * 100 / Math.max(1, run.until - run.start));
  const compare = (a, b) => a === b ? 0 : a < b ? -1 : 1;
  // What is missing comes last, whatever the direction.
  const inOrder = (descending) => (a, b) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return descending ? compare(b, a) : compare(a, b);
  };

  // Tables are shown page by page, and printed whole.
  let isPrinting = false;
  const drawings = [];

  // A table with headers that sort it, shown page by page. A column: title, value to sort by, cell, whether a number.
  const sortable = (table, pages, caption, columns, key) => {
    let rows = [];
    let sort = key;
    let descending = false;
    let page = 0;
    const body = make('tbody');
    const heads = columns.map((column, index) => make('th', { scope: 'col', class: column.number ? 'number' : '' },
      make('button', { type: 'button', onclick: () => {
        descending = sort === index ? !descending : Boolean(column.number);
        sort = index;
        page = 0;
        show();
      } }, column.title)));
    table.replaceChildren(make('caption', {}, caption), make('thead', {}, make('tr', {}, ...heads)), body);
    const previous = make('button', { type: 'button', onclick: () => { page -= 1; draw(); } }, 'Previous');
    const next = make('button', { type: 'button', onclick: () => { page += 1; draw(); } }, 'Next');
    const place = make('span', { role: 'status' });
    pages.replaceChildren(previous, place, next);
    const draw = () => {
      const last = Math.max(0, Math.ceil(rows.length / rowsPerPage) - 1);
      page = Math.min(Math.max(page, 0), last);
      const part = isPrinting ? rows : rows.slice(page * rowsPerPage, (page + 1) * rowsPerPage);
      body.replaceChildren(...part.map((row) => make('tr', {}, ...columns.map((column) =>
        make('td', { class: column.number ? 'number' : 'text' }, column.cell(row))))));
      previous.disabled = page === 0;
      next.disabled = page === last;
      place.textContent = `Page ${page + 1} of ${last + 1}`;
      pages.hidden = last === 0;
    };
    drawings.push(draw);
    const show = () => {
      heads.forEach((head, index) => head.setAttribute('aria-sort',
        index === sort ? (descending ? 'descending' : 'ascending') : 'none'));
      const value = columns[sort].value;
      const order = inOrder(descending);
      rows.sort((a, b) => order(value(a), value(b)) || compare(a.id, b.id));
      draw();
    };
    return (all) => { rows = all.slice(); page = 0; show(); };
  };

  let run = runs[0];

  const outcome = (node) => make('span', { class: node.paid !== '0.0000000' ? 'paid' : 'unpaid' },
    node.outcome.replaceAll('-', ' '));
  // The node that is shown, and the button that opened it.
  let shown = null;
  let opener = null;
  const openNode = (node) => make('button', { type: 'button', class: 'link',
    onclick: (event) => { opener = event.currentTarget; showNode(node); } }, String(node.id));

  const showNodes = sortable($('nodes'), $('nodes-pages'), 'Choose a node for its details; choose a heading to sort.', [
    { title: 'Node', value: (n) => n.id, cell: openNode, number: true },
    { title: 'Farm', value: (n) => n.farm, cell: (n) => String(n.farm), number: true },
    { title: 'Name of the farm', value: (n) => (n.name || '').toLowerCase(), cell: (n) => n.name || '' },
    { title: 'Uptime', value: (n) => n.uptime,
      cell: (n) => n.uptime === null ? '–' : percent(n, run).toFixed(2) + ' %', number: true },
    { title: 'TFT', value: (n) => units(n.paid), cell: (n) => tft(units(n.paid)), number: true },
    { title: 'Outcome', value: (n) => n.outcome, cell: outcome },
    { title: 'Violation', value: (n) => n.violation || null, cell: (n) => n.violation || '' },
  ], 0);

  const showFarms = sortable($('farms'), $('farms-pages'), 'Choose a farm to see its nodes; choose a heading to sort.', [
    { title: 'Farm', value: (f) => f.id, number: true, cell: (f) => make('button', { type: 'button', class: 'link',
      onclick: () => { $('search').value = 'farm:' + f.id; $('outcome').value = ''; filter(); $('search').focus(); } },
      String(f.id)) },
    { title: 'Name', value: (f) => f.name.toLowerCase(), cell: (f) => f.name },
    { title: 'Nodes', value: (f) => f.nodes, cell: (f) => whole.format(f.nodes), number: true },
    { title: 'Paid nodes', value: (f) => f.paid, cell: (f) => whole.format(f.paid), number: true },
    { title: 'TFT', value: (f) => f.tft, cell: (f) => tft(f.tft), number: true },
    { title: 'Payout address', value: (f) => f.address || null, cell: (f) => f.address || 'none' },
  ], 4);

  const bar = (label, count, most, kind, choose) => {
    const fill = make('span', { class: 'fill' });
    fill.style.width = most ? (count * 100 / most) + '%' : '0';
    const name = choose ? make('button', { type: 'button', onclick: choose }, label) : make('span', {}, label);
    return make('div', { class: 'bar ' + kind }, name,
      make('span', { class: 'track', 'aria-hidden': 'true' }, count ? fill : null),
      make('span', { class: 'number' }, whole.format(count)));
  };
  const histogram = (element, buckets) => {
    const most = Math.max(0, ...buckets.map((bucket) => bucket.count));
    element.replaceChildren(...buckets.map((b) => bar(b.label, b.count, most, b.kind || '', b.choose)));
  };

  const payoutBuckets = () => {
    const edges = [0, 10, 50, 100, 200, 500, 1000, 5000];
    const buckets = [{ label: 'nothing', count: 0, kind: 'bad' }, ...edges.map((edge, index) => ({
      label: index + 1 < edges.length ? `${edge} to ${edges[index + 1]}` : `${edge} and more`, count: 0 }))];
    for (const node of run.nodes) {
      const paid = units(node.paid);
      if (paid === 0n) { buckets[0].count += 1; continue; }
      const index = edges.findLastIndex((edge) => paid >= BigInt(edge) * 10000000n);
      buckets[index + 1].count += 1;
    }
    return buckets;
  };
  const uptimeBuckets = () => {
    const edges = [0, 10, 50, 80, 90, 95, 98, 99, 99.9];
    const buckets = [{ label: 'none', count: 0, kind: 'bad' }, ...edges.map((edge, index) => ({
      label: index + 1 < edges.length ? `${edge} to ${edges[index + 1]} %` : `${edge} to 100 %`, count: 0 }))];
    for (const node of run.nodes) {
      const value = percent(node, run);
      if (!value) { buckets[0].count += 1; continue; }
      buckets[edges.findLastIndex((edge) => value >= edge) + 1].count += 1;
    }
    return buckets;
  };
  const outcomeBuckets = () => {
    const counts = new Map();
    for (const node of run.nodes) counts.set(node.outcome, (counts.get(node.outcome) || 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1] || compare(a[0], b[0])).map(([name, count]) => ({
      label: name.replaceAll('-', ' '), count, kind: name === 'paid' ? 'good' : 'bad',
      choose: () => { $('outcome').value = name; $('search').value = ''; filter(); $('outcome').focus(); } }));
  };

  const farmsOf = () => {
    const farms = new Map();
    for (const node of run.nodes) {
      const farm = farms.get(node.farm)
        || { id: node.farm, name: node.name || '', address: node.address, nodes: 0, paid: 0, tft: 0n };
      farm.nodes += 1;
      farm.paid += node.paid !== '0.0000000' ? 1 : 0;
      farm.tft += units(node.paid);
      farms.set(node.farm, farm);
    }
    return [...farms.values()];
  };

  const filter = () => {
    const words = $('search').value.trim().toLowerCase();
    const chosen = $('outcome').value;
    const farm = /^farm:\s*(\d+)$/.exec(words);
    const matches = (node) => {
      if (chosen && node.outcome !== chosen) return false;
      if (!words) return true;
      if (farm) return node.farm === Number(farm[1]);
      if (/^\d+$/.test(words) && (String(node.id) === words || String(node.farm) === words)) return true;
      return (node.name || '').toLowerCase().includes(words) || (node.receipt || '').startsWith(words)
        || (node.address || '').toLowerCase().startsWith(words);
    };
    const found = run.nodes.filter(matches);
    $('count').textContent = `${whole.format(found.length)} of ${whole.format(run.nodes.length)} nodes`;
    showNodes(found);
  };

  const strip = (node) => {
    const days = node.days.filter((_, day) => day * 86400 < run.until - run.start);
    const element = make('div', { class: 'strip', role: 'img',
      'aria-label': `Uptime of ${days.length} days: ` + days.map((secs, day) =>
        `day ${day + 1} ${Math.round(secs * 100 / dayLength(day))} percent`).join(', ') });
    days.forEach((secs, day) => {
      const length = dayLength(day);
      const part = Math.min(100, secs * 100 / length);
      const fill = make('span');
      fill.style.height = part + '%';
      const text = `${date(run.start + day * 86400)}: ${part.toFixed(1)} %`;
      element.append(make('div', { class: part < 95 ? 'low' : '', title: text }, fill));
    });
    const day = (seconds) => date(seconds).slice(0, 10);
    return make('figure', {}, element, make('figcaption', { class: 'hint' }, make('span', {}, day(run.start)),
      make('span', {}, 'uptime of each day; red below 95 %'), make('span', {}, day(run.until))));
  };
  const dayLength = (day) => Math.max(1, Math.min(86400, run.until - run.start - day * 86400));

  const showNode = (node) => {
    $('node-title').textContent = `Node ${node.id}`;
    const facts = make('dl', { class: 'facts' });
    const fact = (name, value) => facts.append(make('dt', {}, name), make('dd', {}, value));
    const farm = make('span', {}, `${node.farm} (`, node.name === null ? 'without a receipt' : make('bdi', {}, node.name), ')');
    fact('Farm', farm);
    fact('Outcome', outcome(node));
    if (node.violation) fact('Violation', node.violation);
    fact('Paid', tft(units(node.paid)) + ' TFT');
    if (node.earned !== null && node.earned !== node.paid) fact('Earned', tft(units(node.earned)) + ' TFT');
    if (node.uptime !== null) fact('Uptime', `${whole.format(node.uptime)} s, ${percent(node, run).toFixed(3)} % of the period${run.partial ? ' so far' : ''}`);
    if (node.late) fact('Late boots', String(node.late));
    if (node.cu !== null) fact('Cloud units', `${node.cu} CU, ${node.su} SU, ${node.nu} NU`);
    if (node.type) fact('Certification', node.type);
    fact('Payout address', node.address || 'none');
    fact('Receipt', node.receipt || 'none');
    $('node-body').replaceChildren(make('h3', {}, 'Uptime by day, from the start of the period'), strip(node), facts,
      make('p', { class: 'hint' }, 'For every report and what it earned: '
        + `minting-replay explain <ARCHIVE> ${run.asked} --node ${node.id}`));
    shown = node;
    $('node').hidden = false;
    if (location.hash !== '#node-' + node.id) location.hash = 'node-' + node.id;
    $('node').focus();
    $('node').scrollIntoView({ block: 'start' });
  };
  // Whoever opened the node with a button goes back to that button.
  const closeNode = () => {
    shown = null;
    $('node').hidden = true;
    location.hash = '';
    (opener && opener.isConnected ? opener : $('search')).focus();
  };
  $('node-close').addEventListener('click', closeNode);
  $('node').addEventListener('keydown', (event) => { if (event.key === 'Escape') closeNode(); });
  const openAsked = () => {
    const asked = /^#node-(\d+)$/.exec(location.hash);
    const node = asked && run.nodes.find((each) => each.id === Number(asked[1]));
    if (!node) $('node').hidden = true;
    else if (node !== shown) showNode(node);
  };

  const showRun = () => {
    const paid = run.nodes.filter((node) => node.paid !== '0.0000000').length;
    const card = (name, value) => make('div', {}, make('dt', {}, name), make('dd', {}, value));
    $('totals').replaceChildren(
      card('TFT paid to nodes', tft(units(run.total))), card('Nodes paid', `${whole.format(paid)} of ${whole.format(run.nodes.length)}`),
      card('Farms', whole.format(new Set(run.nodes.map((node) => node.farm)).size)),
      card('TFT of retries', `${tft(units(run.retries_paid))}, ${whole.format(run.retries)} retries`), card('Rules', run.rules || ''));
    $('status').textContent = `${run.name}, ${date(run.start)} to ${date(run.end)}`
      + (run.partial ? `. PRELIMINARY: known up to ${date(run.until)}.` : '')
      + (run.status === 'done-with-accepted-findings' ? '. Made with findings that someone accepted; see run.json.' : '');
    histogram($('payouts'), payoutBuckets());
    histogram($('uptimes'), uptimeBuckets());
    histogram($('outcomes'), outcomeBuckets());
    const outcomes = [...new Set(run.nodes.map((node) => node.outcome))].sort();
    $('outcome').replaceChildren(make('option', { value: '' }, 'all'),
      ...outcomes.map((name) => make('option', { value: name }, name.replaceAll('-', ' '))));
    shown = null;
    $('node').hidden = true;
    showFarms(farmsOf());
    filter();
  };

  $('search').addEventListener('input', filter);
  $('outcome').addEventListener('change', filter);
  runs.forEach((each, index) => $('run').append(make('option', { value: String(index) }, each.name)));
  $('run-choice').hidden = runs.length < 2;
  $('run').addEventListener('change', () => { run = runs[Number($('run').value)]; showRun(); });
  for (const [event, printing] of [['beforeprint', true], ['afterprint', false]]) {
    addEventListener(event, () => { isPrinting = printing; drawings.forEach((draw) => draw()); });
  }
  if (run) {
    showRun();
    openAsked();
    addEventListener('hashchange', openAsked);
  } else {
    $('status').textContent = 'There are no runs.';
  }
})();
