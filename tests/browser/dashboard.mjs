// The dashboard in a real browser: sign-in, a red in the queue, zoom, acknowledge, a revocation that masks the
// chart, axe with contrast in both schemes and at 390 px, no CSP violation, no console error.
// Usage: node dashboard.mjs READY.json CHROMIUM      (the demo's one line; prints one line per step, exits 1 at a fault)
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ready = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const user = (role) => ready.users.find((user) => user.role === role);
const faults = [];
const step = (name, holds, detail = '') => {
  console.log(`${holds ? 'ok' : 'FAULT'} ${name} ${detail}`);
  if (!holds) faults.push(name);
};

const browser = await chromium.launch({
  executablePath: process.argv[3],
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
});

async function signIn(role, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'pt-BR', ...options });
  const page = await context.newPage();
  page.on('console', (said) => {
    if (said.type() === 'error' && !/status of 40[139]/.test(said.text())) step(`console of ${role}`, false, said.text());
  });
  page.on('pageerror', (error) => step(`script of ${role}`, false, error.message));
  await page.goto(`${ready.http}/login`);
  await page.fill('#email', user(role).email);
  await page.fill('#password', user(role).password);
  await page.click('form[action="/login"] button[type=submit]');
  await page.waitForURL((url) => url.pathname !== '/login');
  return page;
}

async function accessible(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.evaluate(axe);
      const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join('; ')}`));
      step(`axe ${name} ${colorScheme} ${width}`, found.length === 0, found.join(', '));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      step(`no sideways scroll ${name} ${width}`, !wide);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

const clinician = await signIn('clinician');
await clinician.waitForSelector('text=Vermelho', { timeout: 30_000 });
step('a red is in the queue', true);
await accessible(clinician, 'queue');

const patient = ready.devices[0].patient_id;
await clinician.goto(`${ready.http}/patients/${patient}`);
const plot = clinician.locator('.u-over').first();
await plot.waitFor({ timeout: 15_000 });
step('the chart is drawn', true);
const box = await plot.boundingBox();
const zoomed = clinician.waitForResponse((answer) => answer.url().includes('/series?'), { timeout: 10_000 });
await clinician.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
await clinician.mouse.down();
await clinician.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2, { steps: 5 });
await clinician.mouse.up();
step('a drag asks for a finer series', (await zoomed).ok());
await accessible(clinician, 'patient');

const token = await fetch(`${ready.http}/api/v1/auth/token`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ email: user('clinician').email, password: user('clinician').password }),
}).then((answer) => answer.json());
await fetch(`${ready.http}/api/v1/patients/${patient}/consents`, {
  method: 'POST',
  headers: { 'content-type': 'application/json', authorization: `Bearer ${token.access_token}` },
  body: JSON.stringify({ purpose: 'alert.evaluate', action: 'revoke' }),
});
const masked = await clinician
  .waitForSelector('text=sem base legal para exibir', { timeout: 10_000 })
  .then(() => true, () => false);
step('a revocation masks the page without a reload', masked || (await clinician.getByText(/sem base legal/i).count()) > 0);
step('no chart is left', (await clinician.locator('.u-over').count()) === 0);

for (const [role, path] of [['admin', '/status'], ['auditor', '/audit'], ['technician', '/devices'], ['patient', '/me']]) {
  const page = await signIn(role);
  await page.goto(`${ready.http}${path}`);
  await accessible(page, path);
}
await browser.close();
console.log(faults.length ? `${faults.length} fault(s)` : 'whole');
process.exit(faults.length ? 1 : 0);
