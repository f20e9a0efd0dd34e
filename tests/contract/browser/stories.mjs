// Longer stories of the explorer: a lineage that the server rolls up, the boards, from an alert to its root cause at night,
// a planned change that another team acknowledges, and changes that are reverted by those who may.
// Each gets the kit of explorer.mjs, and writes what the pages showed to the report.
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

// Returns what a card of the board of unhealthy assets says.
const causes = (page) => page.locator('ol > li > section').evaluateAll((all) => all.map((card) => ({
  root: !card.classList.contains('follows'), asset: card.querySelector('.name a')?.textContent.trim(),
  problems: [...card.querySelectorAll('ul:not(.affected) strong')].map((each) => each.textContent),
  affected: [...card.querySelectorAll('.affected a')].map((each) => each.textContent.trim()).sort(),
  levels: [...card.querySelectorAll('.affected li')].map((each) => [each.querySelector('a').href.split('id=')[1], each.querySelector('.level').textContent]),
})));
const reached = (page) => page.locator('.affected[aria-busy=true]').first().waitFor({ state: 'detached' });

/** At night, by mouse: from the board to the root cause, what it affects, and whom to wake. */
export async function alertByMouse({ open, axe, keys, boxes, healthy, report, PERSONA }) {
  const page = await open('dark', { width: 1280, height: 800 });
  await page.locator('li button', { hasText: PERSONA }).first().click();
  await page.locator('header select').waitFor();
  await page.locator('a.boards').click();
  const card = page.locator('ol > li > section').first();
  await card.locator('text=Whom to ask').waitFor();
  for (const more of await page.getByRole('button', { name: /^\+ \d+ more$/ }).all()) await more.click();
  await reached(page);
  const found = { causes: await causes(page), ask: await card.locator('p', { hasText: 'Whom to ask' }).textContent() };
  report.night = { mouse: found };
  await axe(page, 'board of unhealthy assets');
  await card.getByRole('link', { name: 'Blast radius' }).click();
  await page.locator('.card', { hasText: 'Teams to inform' }).first().locator('a').first().waitFor();
  found.teams = await page.locator('.card', { hasText: 'Teams to inform' }).first().locator('a').allTextContents();
  await page.goBack();
  await card.getByRole('link', { name: 'Lineage of what is affected' }).click();
  await boxes(page).first().waitFor();
  await healthy(page);
  found.lineage = await keys(page);
  await page.goBack();
  await card.locator('.name a').click();
  await page.getByRole('heading', { name: 'Changes' }).waitFor();
  found.asset = { title: await page.locator('h1').textContent(), ask: await page.locator('.card', { hasText: 'Whom to ask' }).first().innerText() };
}

/** The same by keyboard alone, as another persona, for the services of all teams. */
export async function alertByKeyboard({ open, tabTo, report, OTHER }) {
  const page = await open('light', { width: 1280, height: 800 });
  const to = (selector, key) => tabTo(page, selector, key);
  await page.locator('li button', { hasText: OTHER }).first().waitFor();
  await to('li:nth-child(2) button');
  await page.keyboard.press('Enter');
  await page.locator('header select').waitFor();
  await to('a.boards');
  await page.keyboard.press('Enter');
  await page.locator('article h1').waitFor();
  await to('article .row select');
  await page.keyboard.press('ArrowDown'); // from the own teams to all
  await page.waitForURL(/team=all/);
  await to('article .row label:nth-of-type(2) select');
  await page.keyboard.press('ArrowDown'); // to the services
  await page.waitForURL(/kind=SERVICE/);
  await page.locator('ol > li > section .name a').first().waitFor();
  const asked = await causes(page);
  await to('ol .name a');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Changes' }).waitFor();
  report.night.keyboard = { causes: asked, title: await page.locator('h1').textContent(), link: page.url() };
}

const event = (runId, more) => ({
  eventType: 'COMPLETE', eventTime: new Date().toISOString(), producer: 'https://test.example/sender',
  job: { namespace: 'night', name: 'load' }, run: { runId }, inputs: [], outputs: [], ...more,
});

/** Look at the other boards; an event came in, and another one did not. */
export async function boards({ open, axe, report, BASE, TOKEN, ROOT, PERSONA }) {
  const send = (body) => fetch(`${BASE}/api/v1/lineage`, { method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` }, body: JSON.stringify(body) });
  const id = crypto.randomUUID();
  const statuses = [await send(event(id, { outputs: [{ namespace: 'postgres://db:5432', name: 'shop.daily' }] })), await send(event(id, { inputs: 'none' }))].map((each) => each.status);
  const page = await open('light', { width: 1280, height: 800 });
  await page.locator('li button', { hasText: PERSONA }).first().click();
  await page.locator('header select').waitFor();
  const rows = () => page.locator('tbody tr').evaluateAll((all) => all.map((row) => [...row.children].map((each) => each.textContent.replaceAll(/\s+/g, ' ').trim())));
  // The own work asks the same as the board to which it leads.
  const own = page.locator('.work .card', { hasText: 'Not used for 90 days' });
  await own.getByRole('link', { name: 'board of idle assets' }).waitFor();
  const same = { work: await own.locator('h2').textContent(), listed: await own.locator('li a').allTextContents() };
  await own.getByRole('link', { name: 'board of idle assets' }).click();
  await page.locator('p[role=status]').waitFor();
  same.board = await page.locator('p[role=status]').textContent();
  await page.selectOption('label:has(option[value="365"]) select', '30');
  await page.waitForURL(/days=30/);
  await page.locator('p[role=status]').waitFor();
  const idle = { same, rows: await rows(), words: await page.locator('p[role=status]').textContent() };
  await axe(page, 'board of idle assets');
  await page.goto(`${BASE}/#/boards?board=models&risk=MEDIUM`);
  await page.getByRole('heading', { name: 'Models in production' }).waitFor();
  await page.locator('p[role=status]').waitFor();
  const models = Object.fromEntries(await page.locator('ol > li').evaluateAll((all) => all.map((card) => [
    card.querySelector('.name a').textContent.trim(), [...card.querySelectorAll('ul li a:first-child')].map((each) => each.textContent.trim()),
  ])));
  const tiers = await page.locator('.tiles strong').allTextContents();
  await axe(page, 'board of models');
  await page.selectOption('header select', 'root');
  await page.locator('header select[title*=Platform]').waitFor();
  await page.goto(`${BASE}/#/boards?board=received`);
  await page.getByRole('heading', { name: 'What came in' }).waitFor();
  await page.locator('tbody tr').first().waitFor();
  const received = { statuses, states: await page.locator('tbody tr').evaluateAll((all) => all.map((row) => row.dataset.state)), rows: await rows() };
  await page.locator('tr[data-state=WRITTEN]').first().getByRole('button', { name: 'Detail' }).click();
  await page.locator('td ul').waitFor();
  await axe(page, 'board of events');
  received.detail = await page.locator('td ul').innerText();
  received.tiles = await page.locator('.tiles strong').allTextContents();
  await page.getByRole('button', { name: /Rejected/ }).click();
  await page.waitForURL(/state=REJECTED/);
  await page.locator('tbody tr[data-state=WRITTEN]').first().waitFor({ state: 'detached' });
  await page.locator('tbody tr[data-state=REJECTED]').first().waitFor();
  received.rejected = await rows();
  await page.locator('input[name=missing]').fill('mlg://dataset/postgres/db%3A5432/shop.weekly');
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.locator('form + [role=status] strong').waitFor();
  received.absent = await page.locator('form + [role=status] strong').textContent();
  report.boards = { idle, models, tiers, received, sources: await sources({ page, axe, BASE, ROOT }) };
}

// Returns what the page of the dataset of the event says of its source, where its alarm leads, and the words without an event.
async function sources({ page, axe, BASE, ROOT }) {
  const show = (id) => page.goto(`${BASE}/#/asset?id=${encodeURIComponent(id)}`);
  const card = page.locator('.card', { has: page.getByRole('heading', { name: 'Sources of events' }) });
  await show(ROOT);
  await page.locator('h1', { hasText: 'impressions' }).waitFor();
  await card.waitFor();
  const none = await card.innerText();
  await show('mlg://dataset/postgres/db%3A5432/shop.daily');
  await page.locator('[data-source]').waitFor();
  const found = { none, text: await card.innerText(), named: await page.locator('[data-source]').evaluateAll((all) => all.map((each) => each.dataset.source)) };
  await axe(page, 'asset with sources');
  await card.locator('.alarm a').click();
  await page.waitForURL(/state=REJECTED/);
  await page.locator('tbody tr[data-state=REJECTED]').first().waitFor();
  found.states = await page.locator('tbody tr').evaluateAll((all) => all.map((row) => row.dataset.state));
  return found;
}

// Returns what a page of a plan shows: its state, its teams by id, and the notes on what its impact lacks.
const planned = (page) => page.evaluate(() => ({
  state: document.querySelector('header .mark').textContent.trim(), title: document.querySelector('h1').textContent,
  words: document.querySelector('p.note')?.textContent, impact: document.querySelector('dl strong').textContent,
  teams: Object.fromEntries([...document.querySelectorAll('[data-team]')].map((each) => [each.dataset.team, each.querySelector('.mark').textContent.trim()])),
  notes: [...document.querySelectorAll('dl ul[aria-live] li')].map((each) => each.className.split(' ')[0]),
  overdue: document.querySelector('header .overdue')?.textContent.trim(),
}));
const plan = (page) => page.locator('[data-team]').first().waitFor();

/** Plan a change from a blast radius by mouse; a member of a concerned team objects by keyboard; the author sees it and closes. */
export async function changePlans({ open, axe, tabTo, report, BASE, ROOT, PERSONA, APPROVER }) {
  const page = await open('light', { width: 1280, height: 800 });
  const found = {};
  report.plan = found;
  await page.locator('li button', { hasText: PERSONA }).first().click();
  await page.locator('header select').waitFor();
  await page.goto(`${BASE}/#/impact?${new URLSearchParams({ root: ROOT })}`);
  await page.locator('summary', { hasText: 'Plan this change' }).click();
  await page.locator('input[name=title]').fill('Drop the column `position`');
  await page.locator('textarea[name=description]').fill('It is empty since January.');
  await page.locator('input[name=deadline]').fill('2026-01-01T00:00'); // of the past: the API refuses it
  await page.locator('input[name=deadline]').evaluate((field) => field.removeAttribute('min'));
  await page.getByRole('button', { name: 'Plan this change' }).click();
  await page.locator('form .problem').waitFor();
  found.refused = await page.locator('form .problem').textContent();
  await axe(page, 'form of a plan');
  await page.locator('input[name=deadline]').fill('2099-01-01T00:00');
  await page.getByRole('button', { name: 'Plan this change' }).click();
  await plan(page);
  found.link = page.url();
  found.before = await planned(page);
  await page.locator('tbody tr').first().waitFor();
  found.rows = await page.locator('tbody tr').count();
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.locator('tbody tr').nth(found.rows).waitFor();
  await page.locator('select:has(option[value=SERVICE])').selectOption('SERVICE');
  await page.waitForURL(/kind=SERVICE/);
  await page.locator('tbody p', { hasText: 'On call' }).first().waitFor();
  found.services = await page.locator('tbody a').allTextContents();
  await axe(page, 'plan');
  await page.locator('.live').waitFor();
  await objection({ open, axe, tabTo, found, BASE, ROOT, who: APPROVER });
  await page.locator('header .objected').waitFor(); // without a request of the author
  found.objected = await planned(page);
  found.comment = await page.locator('[data-team]', { hasText: 'Objected' }).innerText();
  await page.locator('select[name=outcome]').selectOption('WITHDRAWN');
  await page.locator('textarea[name=reason]').fill('Someone reads it.');
  await page.getByRole('button', { name: 'Close the plan' }).click();
  await page.locator('header .closed').waitFor();
  found.focused = await page.evaluate(() => document.activeElement.tagName);
  found.closed = { ...(await planned(page)), forms: await page.locator('form:not([role])').count() };
  await page.locator('a.plans').click();
  await page.locator('article > p[role=status]').waitFor();
  found.open = await page.locator('[data-plan]').evaluateAll((all) => all.map((each) => each.dataset.plan));
  await page.getByRole('button', { name: 'Closed', exact: true }).click();
  await page.waitForURL(/show=closed/);
  await page.locator('[data-plan]').first().waitFor();
  found.listed = await page.locator('[data-plan]').evaluateAll((all) => all.map((each) => [each.dataset.plan, each.innerText]));
  await axe(page, 'plans');
  await page.goto(`${BASE}/#/asset?id=${encodeURIComponent(ROOT)}`);
  await page.locator('summary', { hasText: 'closed plan' }).click();
  await page.locator('details[open] [data-plan]').first().waitFor();
  found.ofAsset.closed = await page.locator('.card', { has: page.locator('details[open] [data-plan]') }).innerText();
}

// Finds the plan in the own work and objects to it for the team, by keyboard alone.
async function objection({ open, axe, tabTo, found, BASE, ROOT, who }) {
  const page = await open('dark', { width: 390, height: 800 });
  const { keyboard } = page;
  await page.locator('li button', { has: page.getByText(who, { exact: true }) }).click();
  await page.locator('[data-plan] a.name').first().waitFor();
  found.waiting = await page.locator('[data-plan]').first().innerText();
  await tabTo(page, '[data-plan] a.name');
  await keyboard.press('Enter');
  await plan(page);
  found.overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await tabTo(page, 'form:not([role]) select');
  found.chosen = await page.evaluate(() => document.activeElement.selectedOptions[0].textContent);
  await tabTo(page, 'input[type=radio]');
  await keyboard.press('ArrowDown');
  await tabTo(page, 'textarea');
  await keyboard.type('The dashboard reads it.');
  await tabTo(page, 'form button');
  await keyboard.press('Enter');
  await page.locator('form [role=status]', { hasText: 'recorded' }).waitFor();
  await axe(page, 'plan, small and dark');
  await page.goto(`${BASE}/#/asset?id=${encodeURIComponent(ROOT)}`); // which has the plan as well
  await page.locator('article [data-plan]').first().waitFor();
  found.ofAsset = { open: await page.locator('article [data-plan]').first().innerText(), link: await page.locator('[data-plan] a.name').first().getAttribute('href') };
  await page.getByRole('heading', { name: 'Changes' }).waitFor();
  await axe(page, 'asset with a plan, small and dark');
  found.ofAsset.overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

/** Open a plan whose impact is hidden in part, cut and late. */
export async function incompletePlan({ open, axe, write, report, BASE, PERSONA }) {
  const id = (name) => `mlg://dataset/test/planned/${name}`;
  const items = [
    { dataset: { id: id('root') } }, { dataset: { id: id('secret'), visibility: 'TEAM', owners: [{ owner: 'mlg://team/catalog/default/risk' }], derivedFrom: [id('root')] } },
    { dataset: { id: id('near'), derivedFrom: [id('root')] } }, { dataset: { id: id('far'), derivedFrom: [id('near')] } },
  ];
  await write('mutation ($items: [AssetInput!]!) { registerAssets(input: {items: $items}) { failed } }', { items });
  const tomorrow = Date.now() + 86_400_000;
  const input = { roots: [id('root')], title: 'Move it', deadline: new Date(tomorrow).toISOString(), maxDepth: 1 };
  const { data } = await write('mutation ($input: PlanChangeInput!) { planChange(input: $input) { plan { id } errors { message } } }', { input });
  const page = await open('light', { width: 1280, height: 800 });
  await page.locator('li button', { hasText: PERSONA }).first().click();
  await page.locator('header select').waitFor();
  await page.clock.setFixedTime(tomorrow + 3_600_000); // the page then says that the plan is overdue
  await page.goto(`${BASE}/#/plan?${new URLSearchParams({ id: data.planChange.plan.id })}`);
  await page.locator('dl strong').waitFor();
  report.incomplete = await planned(page);
  await axe(page, 'plan, incomplete');
}

/** Give an approval that waits, by keyboard: the version changes under the first attempt, and the page of the model shows the second. */
export async function approvals({ open, axe, tabTo, write, report, BASE, APPROVER_TOKEN, VERSION, MODEL, PERSONA, APPROVER }) {
  const page = await open('light', { width: 1280, height: 800 });
  const { keyboard } = page;
  const found = {};
  report.approvals = found;
  const asset = (id) => page.goto(`${BASE}/#/asset?id=${encodeURIComponent(id)}`);
  const gate = page.locator('.card', { has: page.getByRole('heading', { name: /^(Gate|Aliases)$/ }) });
  const button = (where) => where.getByRole('button', { name: 'Give the approval release' });
  await page.locator('li button', { hasText: PERSONA }).first().click();
  await page.locator('header select').waitFor();
  await asset(VERSION);
  await gate.locator('.closed').waitFor();
  found.engineer = await button(gate).count();
  await page.selectOption('header select', APPROVER);
  await page.locator('header select[title*=approver]').waitFor();
  await button(gate).waitFor();
  await page.goto(`${BASE}/#/`);
  await button(page.locator('.work')).waitFor();
  await tabTo(page, '.work button[aria-label^="Give the approval release"]');
  await keyboard.press('Enter');
  await page.locator('form.approve h3:focus').waitFor();
  found.facts = await page.locator('form.approve dl').innerText();
  await axe(page, 'approval');
  await write('mutation ($items: [AssetInput!]!) { registerAssets(input: {items: $items}) { failed } }', { items: [{ modelVersion: { id: VERSION, description: 'Another text.' } }] });
  await tabTo(page, 'form.approve button.strong');
  await keyboard.press('Enter');
  await page.locator('form.approve .problem').waitFor();
  found.changed = await page.locator('form.approve .problem').innerText();
  await tabTo(page, 'form.approve button[type=button]');
  const before = await page.locator('form.approve').elementHandle();
  await keyboard.press('Enter');
  await before.waitForElementState('hidden');
  found.reread = await page.locator('.work > [role=status]').textContent();
  await page.waitForFunction(() => document.activeElement.matches('.work > [role=status]'));
  await button(page.locator('.work')).waitFor(); // which is there again after the version was read
  await tabTo(page, '.work button[aria-label^="Give the approval release"]');
  await keyboard.press('Enter');
  await tabTo(page, 'form.approve textarea');
  await keyboard.type('A week in the shadow.');
  await tabTo(page, 'form.approve button.strong');
  await keyboard.press('Enter');
  await page.locator('.work > [role=status]', { hasText: 'is recorded' }).waitFor();
  await page.locator('.work .card', { hasText: 'No version waits for an approval' }).waitFor(); // the list is read again
  found.left = await page.locator('.work .card').first().innerText();
  await asset(MODEL);
  await gate.locator('.open').waitFor();
  const revoke = () => write(`mutation { approve(input: {subject: "${VERSION}", gate: "release", decision: REVOKED}) { errors { message } } }`, {}, APPROVER_TOKEN);
  await revoke();
  await page.reload();
  await button(gate).click(); // from the page of the model, by mouse
  await gate.getByRole('button', { name: 'Approve', exact: true }).click();
  await gate.locator('.open').waitFor();
  found.said = await gate.locator('[role=status]').textContent();
  await asset(VERSION);
  await page.getByRole('heading', { name: 'Approvals', exact: true }).waitFor();
  found.listed = await page.locator('.card', { has: page.getByRole('heading', { name: 'Approvals', exact: true }) }).innerText();
  await revoke();
}

// Returns what the page of an asset says about rights, and which of its changes have a button.
async function rights(page) {
  const card = page.locator('.card', { hasText: 'Your access' });
  await card.locator('summary').click();
  const text = await card.innerText();
  const changes = await page.locator('[data-change]').evaluateAll((all) => all.map((each) => [
    each.querySelector('strong').textContent, [...each.querySelectorAll('button')].map((button) => button.textContent),
  ]));
  return { text, changes };
}

const description = (page) => page.locator('.card', { hasText: 'What it is' }).locator('p').first().textContent();
const changesOf = (page, count) => page.locator('[data-change]').nth(count - 1).waitFor();

/** Revert a change by mouse, and a registration by keyboard, as an engineer of the owning team; another team may not. */
export async function reverts({ open, axe, tabTo, write, report, BASE, PERSONA, OTHER }) {
  const id = 'mlg://dataset/test/reverts/mistaken';
  const owners = [{ owner: 'mlg://team/catalog/default/ranking' }];
  for (const values of [{ owners, description: 'right' }, { description: 'wrong' }]) {
    await write('mutation ($items: [AssetInput!]!) { registerAssets(input: {items: $items}) { failed } }', { items: [{ dataset: { id, ...values } }] });
  }
  const address = `${BASE}/#/asset?id=${encodeURIComponent(id)}`;
  const found = {};
  report.reverts = found;
  const page = await open('light', { width: 1280, height: 800 });
  await page.locator('li button', { hasText: PERSONA }).first().click();
  await page.locator('header select').waitFor();
  await page.goto(address);
  await changesOf(page, 2);
  found.may = { ...(await rights(page)), description: await description(page) };
  await page.getByRole('button', { name: 'Revert this change: Updated' }).click();
  const panel = page.getByRole('group', { name: 'Revert this change: Updated' });
  await panel.locator('textarea').waitFor();
  found.trial = await panel.locator('tbody tr').evaluateAll((all) => all.map((row) => [...row.children].map((each) => each.textContent)));
  found.untouched = await description(page); // the trial wrote nothing
  await axe(page, 'revert of a change');
  // Meanwhile the description changes again, so that the revert is refused, in the words of the API.
  await write('mutation ($items: [AssetInput!]!) { registerAssets(input: {items: $items}) { failed } }', { items: [{ dataset: { id, description: 'later' } }] });
  await panel.getByRole('button', { name: 'Revert this change' }).click();
  await panel.locator('.problem').waitFor();
  found.refused = await panel.locator('.problem').textContent();
  await page.reload();
  await changesOf(page, 3);
  await page.getByRole('button', { name: 'Revert this change: Updated' }).first().click();
  await panel.locator('textarea').fill('It was wrong.');
  await panel.getByRole('button', { name: 'Revert this change' }).click();
  await changesOf(page, 4);
  await page.locator('article p', { hasText: /^wrong$/ }).waitFor();
  found.reverted = { newest: await page.locator('[data-change]').first().innerText(), focused: await page.evaluate(() => document.activeElement.textContent), open: await panel.count() };
  await byKeyboardAlone({ page, axe, tabTo, found });
  await page.selectOption('header select', OTHER);
  await page.locator('header select[title*=reader]').waitFor();
  await changesOf(page, 5);
  found.mayNot = await rights(page);
  await axe(page, 'rights of a reader');
}

// Reverts the registration, which is the last button, and then that deletion, without a pointer.
async function byKeyboardAlone({ page, axe, tabTo, found }) {
  const registered = 'button[aria-label="Revert this change: Registered"]';
  await tabTo(page, registered);
  await page.keyboard.press('Enter');
  await page.locator('[role=group]:focus').waitFor();
  found.warned = await page.locator('[role=group] .warning').first().textContent();
  await axe(page, 'revert of a registration');
  await tabTo(page, 'form textarea');
  await page.keyboard.type('Not ours.');
  await tabTo(page, 'form button');
  found.confirms = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press('Enter');
  await changesOf(page, 5);
  found.deleted = { note: await page.locator('p.note').first().textContent(), buttons: await page.locator('[data-change] button').count() };
}
