(() => {
  const $ = (id) => document.getElementById(id);
  const rows = () => [...document.querySelectorAll('#nodes tbody tr')];
  const cell = (row, index) => row.children[index].textContent;
  const search = (text) => { $('search').value = text; $('search').dispatchEvent(new Event('input')); };
  const seen = {};
  seen.title = document.title === document.querySelector('h1').textContent ? document.title : 'titles differ';
  seen.choice_shown = document.querySelector('#run-choice').getClientRects().length > 0;
  seen.rows = rows().length;
  seen.name = cell(rows()[0], 2);
  const begun = performance.now();
  search('15');
  seen.filter_milliseconds = performance.now() - begun;
  seen.search = rows().map((row) => cell(row, 0));
  search('');
  $('outcome').value = 'uptime-too-high';
  $('outcome').dispatchEvent(new Event('change'));
  seen.by_outcome = rows().length;
  $('outcome').value = '';
  $('outcome').dispatchEvent(new Event('change'));
  const heading = [...document.querySelectorAll('#nodes th button')].find((each) => each.textContent === 'TFT');
  heading.click();
  const amounts = rows().map((row) => Number(cell(row, 4).replaceAll(',', '')));
  seen.sorted = amounts.every((amount, index) => index === 0 || amounts[index - 1] >= amount);
  seen.sort_announced = heading.closest('th').getAttribute('aria-sort');
  search('15');
  rows()[0].querySelector('button').click();
  seen.node_title = $('node-title').textContent;
  seen.strip_days = document.querySelectorAll('.strip > div').length;
  const named = (control) => control.labels && control.labels.length || control.textContent.trim()
    || control.getAttribute('aria-label');
  seen.unlabelled = [...document.querySelectorAll('input, select, button')].filter((each) => !named(each))
    .map((each) => each.outerHTML);
  seen.failures = failures;
  const out = document.createElement('pre');
  out.textContent = 'SEEN' + JSON.stringify(seen) + 'SEEN';
  document.body.append(out);
})();
