// Checks of the status page in a browser: `node checks.mjs CHECK URL [FOLDER]`. Uses the probes of tests/browser/main.rs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const [check, base, directory] = process.argv.slice(2);
const OVERVIEW = '/', PROBE = '/probes/ai/assistants', HOSTILE = '/probes/ai/hostile', MISSING = '/nowhere';
const WIDE = { width: 1120, height: 860 }, NARROW = { width: 360, height: 740 };

// Playwright creates and removes the profile. No sandbox: tests run as root. The other flags disable background requests.
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

// A page in its own context, with its errors and requests.
async function fresh(options = {}) {
  const context = await browser.newContext({ viewport: WIDE, ...options });
  const page = await context.newPage();
  const seen = { errors: [], requests: [] };
  page.on('console', message => seen.errors.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', error => seen.errors.push(String(error)));
  page.on('dialog', dialog => { seen.errors.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', request => seen.requests.push(request.url()));
  return { context, page, seen };
}

const focused = page => page.evaluate(() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const all = [...document.querySelectorAll('a[href], button, select, input, [tabindex="0"]')];
  const style = getComputedStyle(at), box = at.getBoundingClientRect();
  return {
    place: all.indexOf(at), of: all.length, name: at.textContent.trim().slice(0, 40), href: at.getAttribute('href'),
    visible: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.right > 0 && box.bottom > 0,
  };
});

async function axTree(context, page) {
  const { nodes } = await (await context.newCDPSession(page)).send('Accessibility.getFullAXTree');
  const shown = nodes.filter(node => !node.ignored);
  return role => shown.filter(node => node.role?.value === role).map(node => node.name?.value ?? '');
}

const checks = {
  async 'sends no other request and logs no error'() {
    for (const scheme of ['light', 'dark']) {
      const { page, seen } = await fresh({ colorScheme: scheme });
      for (const path of [OVERVIEW, '/?state=Failing&namespace=ai', PROBE, HOSTILE]) {
        seen.requests.length = 0;
        const answer = await page.goto(base + path, { waitUntil: 'networkidle' });
        assert.equal(answer.status(), 200, path);
        // The icon is inline.
        assert.deepEqual(seen.requests.filter(url => !url.startsWith('data:')), [base + path]);
      }
      assert.deepEqual(seen.errors, []);
    }
  },

  async 'works without script'() {
    const { page } = await fresh({ javaScriptEnabled: false });
    await page.goto(base + OVERVIEW);
    await page.getByRole('combobox', { name: 'Verdict' }).selectOption('Failing');
    await page.getByRole('combobox', { name: 'Reload' }).selectOption('30');
    await page.getByRole('button', { name: 'Apply' }).click();
    assert.ok(page.url().includes('state=Failing') && page.url().includes('refresh=30'), page.url());
    await page.getByRole('link', { name: 'assistants' }).click();
    assert.equal(new URL(page.url()).pathname, PROBE);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'ai/assistants');
    await page.getByRole('link', { name: 'All probes' }).click();
    assert.equal(new URL(page.url()).pathname, OVERVIEW);
  },

  async 'reloads only by choice'() {
    const { page } = await fresh({ javaScriptEnabled: false });
    const by = async path => (await page.goto(base + path)).headers().refresh;
    assert.equal(await by('/'), undefined);
    assert.equal(await by('/?refresh=10'), '10');
    assert.equal(await by(PROBE), undefined);
    await page.getByRole('link', { name: 'Reload every 30 s' }).click();
    assert.equal(await by(PROBE + '?refresh=30'), '30');
    await page.getByRole('link', { name: 'Stop reloading' }).click();
    assert.equal(new URL(page.url()).search, '');
    let loads = 0;
    page.on('response', () => { loads += 1; });
    await page.goto(base + '/?refresh=10');
    await page.waitForResponse(() => loads > 1, { timeout: 60_000 });
  },

  async 'works with the keyboard alone'() {
    for (const path of [OVERVIEW, PROBE]) {
      const { page } = await fresh();
      await page.goto(base + path);
      const { of } = await page.evaluate(() => ({ of: document.querySelectorAll('a[href], button, select, input, [tabindex="0"]').length }));
      assert.ok(of > 4);
      for (let place = 0; place < of; place += 1) {
        await page.keyboard.press('Tab');
        const at = await focused(page);
        assert.equal(at?.place, place, `Tab follows the order of the page: ${JSON.stringify(at)}`);
        assert.ok(at.visible, `the focus is visible: ${JSON.stringify(at)}`);
      }
    }
    const { page } = await fresh();
    await page.goto(base + OVERVIEW);
    await page.keyboard.press('Tab');
    assert.equal((await focused(page)).name, 'Skip to content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    for (let at = null; at?.name !== 'assistants';) {
      await page.keyboard.press('Tab');
      at = await focused(page);
      assert.ok(at, 'Tab reaches the link');
    }
    await Promise.all([page.waitForURL('**' + PROBE), page.keyboard.press('Enter')]);
  },

  async 'has roles and names for screen readers'() {
    for (const viewport of [WIDE, NARROW]) {
      for (const path of [OVERVIEW, PROBE, MISSING]) {
        const { context, page } = await fresh({ viewport });
        await page.goto(base + path);
        const by = await axTree(context, page);
        for (const role of ['banner', 'main', 'contentinfo']) assert.equal(by(role).length, 1, `${role} of ${path}`);
        assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1);
        assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
        assert.ok((await page.title()).endsWith('claudeprobe'));
        if (path === OVERVIEW) {
          assert.deepEqual(by('columnheader'), ['Verdict', 'Probe', 'Cause', 'For', 'Last run', 'Next run', 'First byte per run']);
          assert.ok(by('rowheader').some(name => name.startsWith('assistants')));
          assert.ok(by('table').some(name => name.includes('worst first')), String(by('table')));
          assert.ok(by('navigation').includes('Probes by verdict') && by('search').length === 1);
          assert.ok([...by('image'), ...by('img')].some(name => name.startsWith('Time to first byte. edge: last')));
        }
        if (path === PROBE) {
          for (const name of ['direct', 'edge']) assert.ok(by('columnheader').includes(name), name);
          for (const name of ['HTTP', 'First byte', 'GatewayPathHealthy']) assert.ok(by('rowheader').includes(name), name);
          const levels = await page.evaluate(() => [...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1]));
          assert.ok(levels.every((level, at) => at === 0 ? level === 1 : level <= levels[at - 1] + 1), String(levels));
        }
      }
    }
  },

  async 'satisfies axe'() {
    const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    for (const colorScheme of ['light', 'dark']) {
      for (const viewport of [WIDE, NARROW]) {
        // axe itself is a script, which the page's policy forbids.
        const { page } = await fresh({ colorScheme, viewport, bypassCSP: true });
        for (const path of [OVERVIEW, '/?namespace=none', PROBE, HOSTILE, MISSING]) {
          await page.goto(base + path);
          await page.evaluate(axe);
          const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations', 'passes'] }));
          assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' ').slice(0, 300)}`), [], `${path} ${colorScheme}`);
          assert.ok(passes.some(({ id }) => id === 'color-contrast'), 'axe checked the contrast');
        }
      }
    }
  },

  async 'fits a narrow screen'() {
    for (const width of [360, 320]) {
      const { page } = await fresh({ viewport: { width, height: 740 } });
      for (const path of [OVERVIEW, PROBE, HOSTILE, MISSING]) {
        await page.goto(base + path);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${path} is ${wide} wide on ${width}`);
      }
    }
  },

  async 'shows hostile text as text'() {
    const { page, seen } = await fresh();
    for (const path of [OVERVIEW, HOSTILE]) {
      await page.goto(base + path, { waitUntil: 'networkidle' });
      const found = await page.evaluate(() => ({
        elements: document.querySelectorAll('script, img, iframe, object, embed, link:not([rel=icon])').length,
        handlers: [...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter(a => a.name.startsWith('on') || /^\s*javascript:/i.test(a.value)).length,
        text: document.body.innerText, ran: globalThis.pwned,
      }));
      assert.deepEqual([found.elements, found.handlers, found.ran], [0, 0, undefined]);
      if (path === HOSTILE) assert.ok(found.text.includes('<script>globalThis.pwned=1</script>'), 'it is shown unchanged');
    }
    assert.deepEqual(seen.errors, []);
  },

  async 'respects reduced motion'() {
    const { page } = await fresh({ reducedMotion: 'reduce' });
    await page.goto(base + OVERVIEW);
    const moving = await page.evaluate(() => [...document.querySelectorAll('*')].filter(e => {
      const { transitionDuration, animationName } = getComputedStyle(e);
      return animationName !== 'none' || transitionDuration.split(',').some(time => parseFloat(time) > 0);
    }).length);
    assert.equal(moving, 0);
  },

  // One screenshot of any address.
  async shot() {
    const { page } = await fresh({ viewport: { width: 1120, height: 1150 } });
    await page.goto(base);
    await page.screenshot({ path: directory });
  },

  // Screenshots for the README, of a running `claudeprobe demo --serve`.
  async shots() {
    for (const colorScheme of ['light', 'dark']) {
      const { page } = await fresh({ colorScheme, viewport: { width: 1120, height: 830 } });
      await page.goto(base + OVERVIEW);
      await page.screenshot({ path: `${directory}/status-page-${colorScheme}.png` });
      await page.setViewportSize({ width: 1120, height: 1150 });
      await page.goto(`${base}/probes/demo/stale-key`);
      await page.screenshot({ path: `${directory}/status-page-probe-${colorScheme}.png` });
    }
  },
};

try {
  assert.ok(checks[check], `unknown check "${check}": must be one of ${Object.keys(checks).join(', ')}`);
  await checks[check]();
} finally {
  await browser.close();
}
