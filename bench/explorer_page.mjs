// Measures the explorer in a headless Chromium for bench/explorer_page.py, which gives the server, the assets and the folder
// of the npm packages. Prints milliseconds of each repetition as JSON.
import { createRequire } from 'node:module';

const { BASE, KEY, PACKAGES, WIDE, SMALL, LEVELS, LEAVES, TIMES } = process.env;
const packages = createRequire(`${PACKAGES}/package.json`);
const chromium = packages('@sparticuz/chromium').default;
const { chromium: playwright } = packages('playwright-core');

const SCRIPTING = new Set(['EventDispatch', 'FunctionCall', 'RunMicrotasks', 'TimerFire', 'FireAnimationFrame', 'EvaluateScript', 'v8.callFunction']);
const CATEGORIES = ['devtools.timeline', 'blink.user_timing', 'v8.execute'];
// Several processes, as people have them; the end of a context would end a browser of one process.
const args = chromium.args.filter((each) => !['--single-process', '--no-zygote'].includes(each));
const browser = await playwright.launch({ executablePath: await chromium.executablePath(), args, headless: true });
const lineage = (root, group) => `${BASE}/#/lineage?${new URLSearchParams({ root, group, depth: LEVELS })}`;

// Opens an address as a persona. The page marks a press of a key, the end of an answer, and the paint after the awaited box.
async function open(address) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(300_000);
  await page.addInitScript((key) => {
    sessionStorage.setItem('mlg-graphiql-key', key);
    sessionStorage.setItem('mlg-persona', 'ada');
    window.awaited = '[data-key]';
    addEventListener('keydown', () => performance.mark('begin'), { capture: true });
    const read = Response.prototype.json;
    Response.prototype.json = async function json() {
      const content = await read.call(this);
      performance.mark('answered');
      return content;
    };
    new MutationObserver(() => {
      if (!window.awaited || !document.querySelector(window.awaited)) return;
      window.awaited = '';
      requestAnimationFrame(() => setTimeout(() => {
        performance.mark('painted');
        document.documentElement.dataset.painted = '';
      }));
    }).observe(document, { childList: true, subtree: true });
  }, KEY);
  page.session = await metering(page);
  await page.goto(address);
  return page;
}

const mark = (page, name) => page.evaluate((wanted) => performance.getEntriesByName(wanted).at(-1)?.startTime, name);
// By a locator, because the policy of the page forbids the eval of waitForFunction.
const painted = (page) => page.locator('html[data-painted]').waitFor({ state: 'attached' });

// Returns the milliseconds of CPU of the main thread of a page so far, which a busy machine changes less than times.
async function cpuOf(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration').value * 1e3;
}

async function metering(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  return session;
}

// Returns the milliseconds from the begin of the navigation to the first paint with an asset, and those of CPU; nothing is cached.
async function firstPaint(group) {
  const page = await open(lineage(SMALL, group));
  await painted(page);
  const found = { paint: await mark(page, 'painted'), cpu: await cpuOf(page.session) };
  await page.context().close();
  return found;
}

// Returns the milliseconds of scripting from a press of + to the paint of the next asset, those of CPU, those from the answer
// to that paint, and those of all, with the answer of the server.
async function expand(page, leaf) {
  await page.evaluate((id) => {
    performance.clearMarks();
    delete document.documentElement.dataset.painted;
    window.awaited = `[data-key="${CSS.escape(`${id}-next`)}"]`;
    document.querySelector(`[data-key="${CSS.escape(id)}"]`).focus({ preventScroll: true });
  }, leaf);
  await browser.startTracing(page, { categories: CATEGORIES });
  const before = await cpuOf(page.session);
  await page.keyboard.press('+');
  await painted(page);
  const cpu = (await cpuOf(page.session)) - before;
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const at = (name) => traceEvents.find((event) => event.name === name && event.cat?.includes('user_timing'));
  const [begin, answered, end] = ['begin', 'answered', 'painted'].map(at);
  const spans = traceEvents
    .filter((event) => event.ph === 'X' && event.pid === begin.pid && event.tid === begin.tid && SCRIPTING.has(event.name))
    .map((event) => [Math.max(event.ts, begin.ts), Math.min(event.ts + event.dur, end.ts)]);
  return { cpu, scripting: together(spans) / 1e3, paint: (end.ts - answered.ts) / 1e3, all: (end.ts - begin.ts) / 1e3 };
}

// Returns the length of the union of spans, because events contain one another.
function together(spans) {
  let [length, until] = [0, -Infinity];
  for (const [from, to] of spans.filter(([begin, end]) => end > begin).sort((a, b) => a[0] - b[0])) {
    length += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return length;
}

const report = { first: [], firstUngrouped: [], expansions: [] };
for (let time = 0; time < TIMES; time += 1) {
  report.first.push(await firstPaint('auto'));
  report.firstUngrouped.push(await firstPaint('none'));
}
const page = await open(lineage(WIDE, 'none'));
await painted(page);
await page.locator('.health.none').first().waitFor({ state: 'detached' });
await page.getByRole('button', { name: 'Fit to the window' }).click();
report.assets = (await page.locator('header p.small').first().textContent()).trim();
report.boxes = await page.locator('[data-key]').count();
for (const leaf of LEAVES.split(' ').slice(0, TIMES)) {
  report.expansions.push(await expand(page, leaf));
  await page.locator('.content[aria-busy=false]').waitFor();
  await page.locator('.health.none').first().waitFor({ state: 'detached' });
}
await browser.close();
console.log(JSON.stringify(report));
