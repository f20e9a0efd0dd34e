// Longer stories of the explorer: a lineage that the server rolls up.
// It gets the kit of explorer.mjs, and writes what the pages showed to the report.
// A data set with 330 others and 12 models downstream; behind the first model is one that few may see, and a chain of data.
function large() {
  const id = (kind, name) => `mlg://${kind}/test/large/${name}`;
  const root = id('dataset', 'hub');
  const spokes = Array.from({ length: 330 }, (_, at) => id('dataset', `spoke-${at}`));
  const models = Array.from({ length: 12 }, (_, at) => id('model', `model-${String(at).padStart(2, '0')}`));
  const [secret, near, far] = [id('model', 'secret'), id('dataset', 'near'), id('dataset', 'far')];
  const owners = [{ owner: 'mlg://team/catalog/default/ads' }];
  const link = (relation, from, to) => ({ link: { relation, from, to } });
  const items = [
    { dataset: { id: root } },
    ...spokes.map((each, at) => ({ dataset: { id: each, ...(at < 200 ? { owners } : {}) } })),
    ...models.map((each) => ({ model: { id: each } })),
    { model: { id: secret, visibility: 'TEAM', owners: [{ owner: 'mlg://team/catalog/default/risk' }] } },
    { dataset: { id: near } }, { dataset: { id: far } },
    ...spokes.map((each) => link('DERIVES', root, each)), ...models.map((each) => link('FEEDS', root, each)),
    link('BASE_OF', models[0], secret), link('DERIVES', spokes[0], near), link('DERIVES', near, far),
  ];
  return { root, items };
}

/** Open groups by mouse and by keyboard, in the picture and in the table, and save the file. */
export async function largeLineage({ open, axe, lineage, boxes, keys, state, saved, write, report, PERSONA }) {
  const { root, items } = large();
  const { data } = await write('mutation ($items: [AssetInput!]!) { registerAssets(input: {items: $items}) { failed } }', { items });
  if (data?.registerAssets.failed !== 0) throw new Error('the large lineage was not registered');
  const page = await open('light', { width: 1280, height: 800 });
  await page.locator('li button', { hasText: PERSONA }).first().click();
  await page.locator('header select').waitFor();
  await page.goto(lineage(root, { depth: 2 }));
  const groups = page.locator('[data-key^="LEVEL="]');
  await groups.first().waitFor();
  await page.locator('.health.none').first().waitFor({ state: 'detached' });
  await axe(page, 'rolled up');
  const found = {
    root, title: await page.locator('header p.small').first().textContent(), groups: await keys(page),
    labels: await groups.evaluateAll((all) => all.map((each) => each.getAttribute('aria-label'))),
    notes: await page.locator('ul[aria-live] li').evaluateAll((all) => all.map((each) => each.className.split(' ')[0])),
  };
  report.large = found;
  await page.locator('[data-key="LEVEL=1 KIND=MODEL"]').click();
  await page.locator('[data-key="LEVEL=1 KIND=MODEL"]').waitFor({ state: 'detached' });
  found.opened = { link: state(page).getAll('groups'), models: (await keys(page)).filter((each) => each.includes('://model/')) };
  found.gaps = await page.locator('[data-key*="model-00"] .gap title').allTextContents();
  // By keyboard: the group in focus opens, and the focus goes to one of its assets.
  await page.locator('[data-key="LEVEL=1 KIND=DATASET"]').focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/KIND%3DDATASET/);
  await boxes(page).nth(100).waitFor();
  await page.locator('[data-key]:focus').waitFor();
  found.focused = await page.evaluate(() => document.activeElement.dataset.key);
  found.rest = await page.locator('[data-key="LEVEL=1 KIND=DATASET"]').getAttribute('aria-label');
  await page.getByRole('button', { name: 'Table', exact: true }).click();
  await page.locator('tr[data-group]').first().waitFor();
  await axe(page, 'rolled up, table');
  found.rows = await page.locator('tbody tr').count();
  found.csv = (await saved(page, 'Save as CSV')).toString();
  await page.locator('label.inline select').selectOption('team');
  await page.locator('tr[data-group*="TEAM="]').first().waitFor();
  found.teams = await page.locator('tr[data-group]').evaluateAll((all) => all.map((row) => row.querySelector('th button').textContent));
  await page.getByRole('button', { name: /^Open this group: Advertising|^Open this group: ads/i }).first().click();
  await page.waitForURL(/TEAM%3Dmlg/);
  await page.locator('.content[aria-busy=false]').waitFor();
  found.listed = await page.locator('tbody tr:not([data-group])').count();
  await page.reload(); // the address has the groups, and which are open
  await page.locator('tr[data-group]').first().waitFor();
  await page.locator('.content[aria-busy=false]').waitFor();
  found.reloaded = await page.locator('tbody tr:not([data-group])').count();
  await page.getByRole('button', { name: 'Tree', exact: true }).click();
  await page.locator('[role=treeitem]').first().waitFor();
  found.items = await page.locator('[role=treeitem]').count();
  await axe(page, 'rolled up, tree');
}
