// Uses the explorer as a person would, in a headless Chromium from npm: by mouse as the persona PERSONA, by keyboard
// alone as the persona OTHER; runs axe on each page, in light and dark. Prints what the pages showed, requested and
// stored as JSON. With PICTURES, a folder, it writes the pictures of the documentation.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import chromium from '@sparticuz/chromium';
import { chromium as playwright } from 'playwright-core';

const { BASE, KEY, PERSONA, OTHER, TEXT, ROOT, SHARED, TOKEN, PICTURES } = process.env;
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
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as CSV' }).click();
  report.csv = readFileSync(await (await download).path(), 'utf8');
  await page.getByRole('button', { name: 'Tree', exact: true }).click();
  await page.locator('[role=treeitem]').first().waitFor();
  report.items = await page.locator('[role=treeitem]').count();
  await axe(page, 'tree');
  await page.getByRole('button', { name: 'Picture', exact: true }).click();
  await page.reload(); // the address and the tab have everything
  await boxes(page).nth(report.expanded.length - 1).waitFor();
  report.reloaded = await keys(page);
  await page.goto(`${BASE}/#/`);
  await page.getByRole('heading', { name: 'Starred' }).waitFor();
  report.starred = (await page.locator('section.card').first().locator('a').first().textContent()).trim();
  await axe(page, 'start');
  await shared(page, PERSONA);
  await page.selectOption('header select', OTHER); // in the same tab, which has answers of the caller before
  await page.locator('header select[title*=reader]').waitFor();
  await page.locator('.content[aria-busy=false]').waitFor();
  report.pages.push({ who: OTHER, ...(await table(page)) });
  report.stored.push(await page.evaluate(() => [JSON.stringify({ ...localStorage }), document.cookie, document.documentElement.outerHTML, location.href].join('\n')));
  report.tab = await page.evaluate(() => Object.keys(sessionStorage).sort());
}

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

// Writes to the API beside the page, which shows the change without another request of its user.
async function live() {
  const page = await open('light', { width: 1280, height: 800 });
  const write = (query) => fetch(`${BASE}/graphql`, {
    method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` }, body: JSON.stringify({ query }),
  }).then((response) => response.json());
  const [from, to] = ['before', 'after'].map((name) => `mlg://dataset/test/live/${name}`);
  await write(`mutation { registerAssets(input: {items: [{dataset: {id: "${from}"}}, {dataset: {id: "${to}"}}]}) { failed } }`);
  await page.locator('li button', { hasText: PERSONA }).first().click();
  await page.locator('header select').waitFor();
  await page.goto(lineage(from, {}));
  await page.locator('.live').waitFor();
  report.before = await keys(page);
  await write(`mutation { link(input: {relation: DERIVES, from: "${from}", to: "${to}"}) { errors { message } } }`);
  await boxes(page).nth(1).waitFor();
  report.after = await keys(page);
}

async function byKeyboard() {
  const page = await open('dark', { width: 1280, height: 800 });
  const { keyboard } = page;
  // Presses Tab until the element in focus matches, and fails after as many elements as a page may have before it.
  const tabTo = async (selector) => {
    for (let presses = 0; presses < 120; presses += 1) {
      await keyboard.press('Tab');
      if (await page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
    }
    throw new Error(`Tab does not reach ${selector}`);
  };
  await page.locator('li button', { hasText: OTHER }).first().waitFor();
  await tabTo('li:nth-child(2) button');
  await keyboard.press('Enter');
  await page.locator('header select').waitFor();
  await keyboard.press('/');
  await keyboard.type(TEXT);
  await keyboard.press('Enter');
  await page.locator('ol li a.name').first().waitFor();
  await tabTo('ol li a.name');
  await keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Changes' }).waitFor();
  await axe(page, 'asset, dark');
  await tabTo('a.strong');
  await keyboard.press('Enter');
  await boxes(page).first().waitFor();
  await healthy(page);
  await axe(page, 'picture, dark');
  await tabTo('[data-key]');
  const before = await boxes(page).count();
  await keyboard.press('ArrowRight');
  await keyboard.press('+');
  await page.waitForURL(/open=down/);
  await boxes(page).nth(before).waitFor();
  await keyboard.press('Enter');
  await page.locator('aside').getByRole('link').first().waitFor();
  report.keyboard = { subject: await page.locator('header select').inputValue(), selected: state(page).get('selected'), opened: state(page).get('open') };
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
  for (const scheme of ['light', 'dark']) {
    const page = await open(scheme, { width: 1120, height: 680 });
    await page.locator('li button', { hasText: PERSONA }).first().click();
    await page.locator('header select').waitFor();
    await page.goto(scheme === 'light' ? lineage(ROOT, { selected: ROOT }) : `${BASE}/#/asset?id=${encodeURIComponent(ROOT)}`);
    if (scheme === 'light') await healthy(page);
    await page.getByRole('heading', { name: scheme === 'light' ? 'Health' : 'Changes' }).waitFor();
    if (scheme === 'light') await page.getByRole('button', { name: 'Fit to the window' }).click();
    await page.screenshot({ path: `${PICTURES}/explorer-${scheme === 'light' ? 'lineage' : 'asset'}.png` });
  }
}

await byMouse();
await byKeyboard();
await onASmallScreen();
await live();
if (PICTURES) await pictures();
await browser.close();
console.log(JSON.stringify(report));
