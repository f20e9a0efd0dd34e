// Uses the page /graphiql as a person would, in a headless Chromium from npm: runs a query, and from a link a
// subscription, as the persona PERSONA; and gives the valid TOKEN and one that is refused. Prints what the page showed,
// requested and stored as JSON.
import chromium from '@sparticuz/chromium';
import { chromium as playwright } from 'playwright-core';

const { BASE, KEY, PERSONA, TOKEN, AFTER, PICTURE } = process.env;
const SUBSCRIPTION = `subscription { changes(after: "${AFTER}") { action subjectId } }`;

// Several processes and the rules of browsers for other origins: in a single process, the cookies of contexts are mixed.
const left = new Set(['--single-process', '--no-zygote', '--disable-web-security', '--allow-running-insecure-content']);
const browser = await playwright.launch({
  executablePath: await chromium.executablePath(), args: chromium.args.filter((each) => !left.has(each)), headless: true,
});
const report = { hosts: [], violations: [], errors: [], sockets: [], pages: [], tabs: [] };

async function newPage() {
  const page = await browser.newPage();
  page.on('request', (request) => report.hosts.push(new URL(request.url()).origin));
  page.on('console', (message) => message.type() === 'error' && report.errors.push(message.text()));
  page.on('pageerror', (error) => report.errors.push(String(error)));
  page.on('websocket', (socket) => report.sockets.push(socket.url()));
  await page.exposeFunction('reportViolation', (violation) => report.violations.push(violation));
  await page.addInitScript(() => addEventListener('securitypolicyviolation', (event) => {
    window.reportViolation(`${event.effectiveDirective} ${event.blockedURI}`);
  }));
  return page;
}

async function run(search, wanted) {
  const page = await newPage();
  await page.goto(`${BASE}/graphql${search}`);
  report.redirected = new URL(page.url()).pathname;
  await page.goto(`${page.url()}#key=${KEY}`);
  await page.reload();
  await page.waitForSelector('#persona option:nth-child(2)', { state: 'attached' });
  report.advice = await page.textContent('#state');
  report.personas = await page.$$eval('#persona option', (options) => options.map((option) => option.value));
  await page.selectOption('#persona', PERSONA);
  // By locators, because the policy of the page forbids the eval of waitForFunction.
  await page.locator('#state', { hasText: PERSONA }).waitFor();
  await page.click('button.graphiql-execute-button');
  await page.locator('.graphiql-response', { hasText: wanted }).waitFor();
  const shown = await page.evaluate(() => document.querySelector('.graphiql-response .CodeMirror').CodeMirror.getValue());
  if (PICTURE) await page.screenshot({ path: PICTURE });
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }) + document.cookie);
  report.pages.push({ address: page.url(), html: await page.content(), stored });
  report.tabs.push(await page.evaluate(() => JSON.stringify({ ...sessionStorage })));
  return JSON.parse(shown).data;
}

async function useRefusedToken() {
  const page = await browser.newPage(); // a page of its own, because a browser reports the status 401 as an error
  let release;
  const held = new Promise((resolve) => { release = resolve; });
  await page.route('**/graphiql/personas', async (route) => { await held; await route.continue(); });
  await page.goto(`${BASE}/graphiql`);
  const give = async (token) => { await page.fill('#token', token); await page.click('#caller button'); };
  await give(TOKEN);
  await page.locator('.graphiql-container').waitFor();
  await give('refused');
  await page.locator('#state', { hasText: 'refused' }).waitFor();
  release(); // the personas arrive after the refusal
  await page.waitForSelector('#persona option:nth-child(2)', { state: 'attached' });
  return { state: await page.textContent('#state'), editors: await page.locator('.graphiql-container').count() };
}

// Signs in on the page of the personas, and runs a query and a subscription with the cookie, which no script reads.
async function signIn() {
  const page = await newPage();
  await page.goto(`${BASE}/graphiql`);
  await page.click('#sign-in');
  await page.fill('#key', KEY);
  await page.click(`button[value="${PERSONA}"]`);
  await page.locator('#state', { hasText: PERSONA }).waitFor();
  await page.click('button.graphiql-execute-button');
  await page.locator('.graphiql-response', { hasText: '"subject"' }).waitFor();
  await page.goto(`${BASE}/graphiql?query=${encodeURIComponent(SUBSCRIPTION)}`);
  await page.locator('#state', { hasText: PERSONA }).waitFor();
  await page.click('button.graphiql-execute-button');
  await page.locator('.graphiql-response', { hasText: '"changes"' }).waitFor();
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
  report.pages.push({ address: page.url(), html: await page.content(), stored });
  const cookies = await page.context().cookies();
  await page.click('#sign-out');
  await page.locator('#sign-in').waitFor();
  return { cookies: cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })) };
}

// The same from the address that `mlg dev` prints, whose key the page of the personas takes from the fragment.
async function signInByAddress() {
  const page = await newPage();
  await page.goto(`${BASE}/sign-in?return=/graphiql#key=${KEY}`);
  const address = page.url();
  await page.click(`button[value="${PERSONA}"]`);
  await page.locator('#state', { hasText: PERSONA }).waitFor();
  return { page: new URL(address).pathname, fragment: new URL(address).hash };
}

// The same without a wanted path: it leads to the explorer, which the key in the tab does not keep from the session.
async function signInToExplorer() {
  const page = await newPage();
  await page.goto(`${BASE}/sign-in#key=${KEY}`);
  await page.click(`button[value="${PERSONA}"]`);
  await page.getByRole('heading', { name: 'My work' }).waitFor();
  return { path: new URL(page.url()).pathname, caller: await page.locator('header option:checked').textContent() };
}

report.viewer = (await run('', '"subject"')).viewer.subject;
report.change = (await run(`?query=${encodeURIComponent(SUBSCRIPTION)}`, '"changes"')).changes.subjectId;
report.refused = await useRefusedToken();
report.session = await signIn();
report.signIn = await signInByAddress();
report.explorer = await signInToExplorer();
await browser.close();
console.log(JSON.stringify(report));
