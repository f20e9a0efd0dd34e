// Uses the explorer as a person would, in a headless Chromium from npm: by mouse as the persona PERSONA, by keyboard
// alone as the persona OTHER; runs axe on each page, in light and dark. Prints what the pages showed, requested and
// stored as JSON. With PICTURES, a folder, it writes the pictures of the documentation.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import chromium from '@sparticuz/chromium';
import { chromium as playwright } from 'playwright-core';
import { alertByKeyboard, alertByMouse, approvals, boards, changePlans, incompletePlan, largeLineage, reverts } from './stories.mjs';

const { BASE, KEY, PERSONA, OTHER, APPROVER, TEXT, ROOT, SHARED, VERSION, FORMER, MODEL, TOKEN, APPROVER_TOKEN, PICTURES } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const browser = await playwright.launch({
  executablePath: await chromium.executablePath(), args: chromium.args, headless: true,
});
const report = { hosts: [], violations: [], errors: [], axe: [], stored: [], pages: [] };

async function open(colorScheme, viewport) {
  const context = await browser.newContext({ colorScheme, viewport });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000); // a busy machine takes longer than the 30 s of the library
  page.on('request', (request) => report.hosts.push(new URL(request.url()).origin));
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && report.errors.push(message.text()));
  page.on('response', async (response) => response.status() >= 400 && report.errors.push(`${response.status()} ${response.url()} ${await response.text().catch(String)}`));
  page.on('pageerror', (error) => report.errors.push(String(error)));
  await page.exposeFunction('reportViolation', (violation) => report.violations.push(violation));
  await page.addInitScript(() => addEventListener('securitypolicyviolation', (event) => {
    window.reportViolation(`${event.effectiveDirective} ${event.blockedURI}`);
  }));
  await page.goto(`${BASE}/#key=${KEY}`);
  return page;
}

// Records the findings of axe that hinder people; its script runs beside the page, whose policy forbids others.
async function axe(page, name) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
  for (const each of found.violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))) {
    report.axe.push(`${name}: ${each.id} at ${each.nodes.map((node) => node.target.join(' ')).slice(0, 3).join(', ')}`);
  }
}

const lineage = (root, values) => `${BASE}/#/lineage?${new URLSearchParams({ root, ...values })}`;
const boxes = (page) => page.locator('[data-key]');
const keys = (page) => boxes(page).evaluateAll((all) => all.map((each) => each.dataset.key).sort());
const state = (page) => new URLSearchParams(page.url().split('?')[1]);

// Waits until every asset of the picture has its health, so that a picture is complete.
const healthy = (page) => page.locator('.health.none').first().waitFor({ state: 'detached' });

// Saves what a button offers as a file, and returns its content.
async function saved(page, name) {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name }).click();
  return readFileSync(await (await download).path());
}

async function byMouse() {
  const page = await open('light', { width: 1280, height: 800 });
  await page.locator('li button strong').first().waitFor();
  report.personas = await page.locator('li button strong').allTextContents();
  await axe(page, 'sign-in');
  await page.locator('li button', { hasText: PERSONA }).first().click();
  await page.locator('header select').waitFor();
  await page.fill('input[type=search]', TEXT);
  await page.press('input[type=search]', 'Enter');
  const hit = page.locator('ol li a.name').first();
  await hit.waitFor();
  report.facets = await page.locator('legend').allTextContents();
  report.count = await page.locator('p.count').textContent();
  await axe(page, 'search');
  report.hit = (await hit.textContent()).trim();
  await hit.click();
  await page.getByRole('heading', { name: 'Changes' }).waitFor();
  report.asset = { title: await page.locator('h1').textContent(), cards: await page.locator('.card > h2').allTextContents(), text: await page.locator('article').innerText() };
  await axe(page, 'asset');
  await page.getByRole('button', { name: 'Star', exact: true }).click();
  await page.locator('a.strong').click();
  await boxes(page).first().waitFor();
  await healthy(page);
  await axe(page, 'picture');
  report.first = await keys(page);
  await page.getByRole('button', { name: 'Fit to the window' }).click();
  await page.locator('.more').last().click();
  await page.waitForURL(/open=/);
  await page.locator(`[data-key]`).nth(report.first.length).waitFor();
  await healthy(page);
  report.expanded = await keys(page);
  await boxes(page).last().click();
  await page.locator('aside').getByRole('link').first().waitFor();
  report.selected = state(page).get('selected');
  await page.getByRole('button', { name: 'Table', exact: true }).click();
  await page.locator('tbody tr').first().waitFor();
  report.rows = await page.locator('tbody tr').count();
  await axe(page, 'table');
  report.csv = (await saved(page, 'Save as CSV')).toString();
  await page.getByRole('button', { name: 'Tree', exact: true }).click();
  await page.locator('[role=treeitem]').first().waitFor();
  report.items = await page.locator('[role=treeitem]').count();
  await axe(page, 'tree');
  await page.getByRole('button', { name: 'Picture', exact: true }).click();
  await page.reload(); // the address and the tab have everything
  await boxes(page).nth(report.expanded.length - 1).waitFor();
  report.reloaded = await keys(page);
  await healthy(page);
  report.svg = (await saved(page, 'Save as SVG')).toString();
  report.png = (await saved(page, 'Save as PNG')).toString('base64');
  await blastRadius(page);
  await thenAndNow(page);
  await origins(page);
  await page.goto(`${BASE}/#/`);
  await page.getByRole('heading', { name: 'Starred' }).waitFor();
  report.work = { [PERSONA]: await work(page) };
  report.starred = (await page.locator('section.card', { hasText: 'Starred' }).last().locator('a').first().textContent()).trim();
  await axe(page, 'start');
  await page.selectOption('header select', APPROVER);
  await page.locator('header select[title*=approver]').waitFor();
  report.work[APPROVER] = await work(page);
  await page.selectOption('header select', PERSONA);
  await page.locator('header select[title*=engineer]').waitFor();
  await shared(page, PERSONA);
  await page.selectOption('header select', OTHER); // in the same tab, which has answers of the caller before
  await page.locator('header select[title*=reader]').waitFor();
  await page.locator('.content[aria-busy=false]').waitFor();
  report.pages.push({ who: OTHER, ...(await table(page)) });
  report.stored.push(await page.evaluate(() => [JSON.stringify({ ...localStorage }), document.cookie, document.documentElement.outerHTML, location.href].join('\n')));
  report.tab = await page.evaluate(() => Object.keys(sessionStorage).sort());
}

// Returns the links of each list of the own work, by its heading.
async function work(page) {
  await page.locator('.work .lists').waitFor();
  await page.locator('.work .card', { hasText: 'Not used for 90 days' }).locator('li').first().waitFor();
  return page.locator('.work .card').evaluateAll((all) => Object.fromEntries(all.map((card) => [
    card.querySelector('h2').textContent.split(' · ')[0], [...card.querySelectorAll('a:not([href*="/boards"])')].map((link) => link.textContent.trim()),
  ])));
}

// Marks two assets in the picture, and opens the page of all that depends on them.
async function blastRadius(page) {
  const marked = (await keys(page)).slice(0, 2);
  for (const id of marked) await page.locator(`[data-key="${id}"]`).click({ modifiers: ['Shift'] });
  await page.getByRole('link', { name: 'Blast radius of 2 marked assets' }).click();
  await page.locator('tbody tr').first().waitFor();
  await axe(page, 'blast radius');
  report.blast = {
    marked, starts: new URLSearchParams(page.url().split('?')[1]).getAll('root'), title: await page.locator('h1').textContent(),
    teams: await page.locator('.card', { hasText: 'Teams to inform' }).first().locator('a').allTextContents(),
    csv: (await saved(page, 'Save as CSV')).toString(),
  };
}

// Compares the version with the one before, chosen in the menu.
/** The page of a version, which names what it was made from, and that of its model, which has the use of its versions. */
async function origins(page) {
  await page.goto(`${BASE}/#/asset?id=${encodeURIComponent(VERSION)}`);
  const made = page.locator('.card', { has: page.getByRole('heading', { name: 'Made from' }) });
  await made.waitFor();
  report.origins = await made.locator('dd').evaluateAll((all) => all.map((dd) => [dd.previousElementSibling.textContent, [...dd.querySelectorAll('a')].map((each) => each.textContent.trim())]));
  await page.goto(`${BASE}/#/asset?id=${encodeURIComponent(MODEL)}`);
  const used = page.locator('.card', { hasText: 'Recorded for its newest versions' });
  await used.waitFor();
  await axe(page, 'model');
  report.use = { rows: await used.locator('tbody tr').allInnerTexts(), access: await page.locator('.card', { hasText: 'Your access' }).innerText() };
}

async function thenAndNow(page) {
  await page.goto(lineage(VERSION, {}));
  await boxes(page).first().waitFor();
  await page.locator('.compare summary').click();
  await page.locator('.compare select').first().selectOption(FORMER);
  await page.locator('ul.legend').waitFor();
  await page.locator('.compare summary').click();
  await axe(page, 'then and now');
  report.versions = { link: state(page).get('before'), signs: await signs(page) };
  await page.getByRole('button', { name: 'Table', exact: true }).click();
  await page.locator('tr[data-change]').first().waitFor();
  await axe(page, 'then and now, table');
  report.versions.rows = await page.locator('tr[data-change]').evaluateAll((all) => all.map((row) => [
    row.dataset.what, row.dataset.change, row.querySelector('th').textContent.trim(),
  ]));
}

// Returns the ids of the marked boxes of a comparison by their word.
const signs = async (page) => Object.fromEntries(await Promise.all(['added', 'ended', 'changed'].map(async (word) => [
  word, await page.locator(`.box.${word} [data-key]`).evaluateAll((all) => all.map((each) => each.dataset.key).sort()),
])));

// Opens the lineage of which both personas see different parts.
async function shared(page, who) {
  await page.goto(lineage(SHARED, { direction: 'down', depth: '6', view: 'table' }));
  await page.locator('h1', { hasText: SHARED.split('/').at(-1) }).waitFor();
  await page.locator('.content[aria-busy=false]').waitFor();
  await page.locator('tbody tr').first().waitFor();
  report.pages.push({ who, ...(await table(page)) });
}

async function table(page) {
  return {
    notes: await page.locator('ul[aria-live] li').evaluateAll((all) => all.map((each) => each.className.split(' ')[0])),
    names: await page.locator('tbody th button').allTextContents(),
  };
}

// Writes to the API beside the page.
const write = (query, variables = {}, token = TOKEN) => fetch(`${BASE}/graphql`, {
  method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` }, body: JSON.stringify({ query, variables }),
}).then((response) => response.json());

// Writes to the API beside the page, which shows the change without another request of its user.
async function live() {
  const page = await open('light', { width: 1280, height: 800 });
  const [from, to, gone] = ['before', 'after', 'gone'].map((name) => `mlg://dataset/test/live/${name}`);
  await write(`mutation { registerAssets(input: {items: [{dataset: {id: "${from}"}}, {dataset: {id: "${to}"}}, {dataset: {id: "${gone}"}}]}) { failed } }`);
  const edge = (end) => `input: {relation: DERIVES, from: "${from}", to: "${end}"}`;
  await write(`mutation { link(${edge(gone)}) { errors { message } } }`);
  const then = new Date().toISOString();
  await page.locator('li button', { hasText: PERSONA }).first().click();
  await page.locator('header select').waitFor();
  await page.goto(lineage(from, {}));
  await page.locator('.live').waitFor();
  await boxes(page).nth(1).waitFor();
  report.before = await keys(page);
  await write(`mutation { link(${edge(to)}) { errors { message } } }`);
  await boxes(page).nth(2).waitFor();
  report.after = await keys(page);
  await write(`mutation { unlink(${edge(gone)}) { errors { message } } }`);
  await page.goto(lineage(from, { then }));
  await page.locator('ul.legend').waitFor();
  report.instants = await signs(page);
}

// Presses a key until the element in focus matches, and fails after as many elements as a page may have before it.
async function tabTo(page, selector, key = 'Tab') {
  for (let presses = 0; presses < 120; presses += 1) {
    await page.keyboard.press(key);
    if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
  }
  throw new Error(`${key} does not reach ${selector}`);
}

async function byKeyboard() {
  const page = await open('dark', { width: 1280, height: 800 });
  const { keyboard } = page;
  const to = (selector, key) => tabTo(page, selector, key);
  await page.locator('li button', { hasText: OTHER }).first().waitFor();
  await to('li:nth-child(2) button');
  await keyboard.press('Enter');
  await page.locator('header select').waitFor();
  await keyboard.press('/');
  await keyboard.type(TEXT);
  await keyboard.press('Enter');
  await page.locator('ol li a.name').first().waitFor();
  await to('ol li a.name');
  await keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Changes' }).waitFor();
  await axe(page, 'asset, dark');
  await to('a.strong');
  await keyboard.press('Enter');
  await boxes(page).first().waitFor();
  await healthy(page);
  await axe(page, 'picture, dark');
  await to('[data-key]');
  const before = await boxes(page).count();
  await keyboard.press('ArrowRight');
  report.named = await page.evaluate(() => ({ whole: document.querySelector('.whole').innerText, label: document.activeElement.getAttribute('aria-label') }));
  await keyboard.press('+');
  await page.waitForURL(/open=down/);
  await boxes(page).nth(before).waitFor();
  await keyboard.press('Enter');
  await page.locator('aside').getByRole('link').first().waitFor();
  report.keyboard = { subject: await page.locator('header select').inputValue(), selected: state(page).get('selected'), opened: state(page).get('open') };
  await keyboard.press('x');
  await page.locator('.marks').waitFor();
  await to('.compare summary', 'Shift+Tab');
  await keyboard.press('Enter');
  await to('.compare button');
  await keyboard.press('Enter');
  await page.locator('ul.legend').waitFor();
  report.keyboard.then = state(page).get('then');
  await axe(page, 'then and now, dark');
  await to('.marks a');
  await keyboard.press('Enter');
  await page.locator('article h1').waitFor();
  report.keyboard.starts = new URLSearchParams(page.url().split('?')[1]).getAll('root');
  await shared(page, OTHER);
}

async function onASmallScreen() {
  const page = await open('dark', { width: 390, height: 800 });
  await page.locator('li button', { hasText: PERSONA }).first().click();
  await page.locator('header select').waitFor();
  await page.goto(lineage(ROOT, {}));
  await page.locator('[role=treeitem]').first().waitFor();
  await axe(page, 'tree, small');
  report.overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

async function pictures() {
  const wanted = {
    lineage: ['light', lineage(ROOT, { selected: ROOT })],
    asset: ['dark', `${BASE}/#/asset?id=${encodeURIComponent(ROOT)}`],
    'then-and-now': ['light', lineage(VERSION, { before: FORMER })],
    work: ['light', `${BASE}/#/`],
    boards: ['light', `${BASE}/#/boards`],
    'rolled-up': ['light', lineage(report.large.root, { depth: '2' })],
    plan: ['light', report.plan.link],
  };
  for (const [name, [scheme, address]] of Object.entries(wanted)) {
    const page = await open(scheme, { width: 1120, height: 680 });
    await page.locator('li button', { hasText: PERSONA }).first().click();
    await page.locator('header select').waitFor();
    await page.goto(address);
    if (name === 'work') await page.locator('.work', { hasText: /No open plan waits|waits for/ }).waitFor();
    else if (name === 'boards') {
      await page.locator('text=Whom to ask').first().waitFor();
      await page.locator('.affected[aria-busy=true]').first().waitFor({ state: 'detached' });
    } else if (name === 'asset') for (const card of ['Changes', 'Sources of events', 'Open change plans', 'What depends on it']) await page.getByRole('heading', { name: card }).waitFor();
    else if (name === 'plan') await page.locator('tbody tr').first().waitFor();
    else if (name === 'rolled-up') await boxes(page).first().waitFor();
    else if (name === 'then-and-now') await page.locator('ul.legend').waitFor();
    else await page.getByRole('heading', { name: 'Health' }).waitFor();
    if (address.includes('lineage')) {
      await healthy(page);
      await page.getByRole('button', { name: 'Fit to the window' }).click();
    }
    await page.screenshot({ path: `${PICTURES}/explorer-${name}.png` });
  }
}

await byMouse();
await byKeyboard();
await onASmallScreen();
await live();
const kit = { open, axe, lineage, boxes, keys, state, saved, healthy, tabTo, write, report, BASE, TOKEN, APPROVER_TOKEN, ROOT, VERSION, MODEL, PERSONA, OTHER, APPROVER };
for (const story of [alertByMouse, alertByKeyboard, boards, largeLineage, changePlans, incompletePlan, approvals, reverts]) await story(kit);
if (PICTURES) await pictures();
await browser.close();
console.log(JSON.stringify(report));
