// The browser and its people: who is signed in, what was shown or found wanting, axe on whatever is open.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SCHEMES = ['light', 'dark'];
const WIDTHS = [1440, 390];
const HEIGHT = 900;

export class Stage {
  faults = [];
  shown = 0;
  #people = new Map();
  // Statuses that the page open now may answer: the browser itself calls each an error of the console.
  #expected = new Set();

  constructor(browser, ready, shots) {
    Object.assign(this, { browser, ready, shots });
  }

  static async open(ready, executablePath, shots) {
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
    return new Stage(await chromium.launch({ executablePath, args }), ready, shots);
  }

  step(name, holds, detail = '') {
    console.log(`${holds ? 'ok' : 'FAULT'} ${name}${holds ? '' : ` ${detail}`}`);
    if (holds) this.shown += 1;
    else this.faults.push(name);
  }

  // Waits for `happens`; a time-out is the fault of the step.
  async until(name, happens) {
    try {
      await happens;
      this.step(name, true);
    } catch (error) {
      this.step(name, false, error.message);
    }
  }

  user(role) {
    return this.ready.users.find((user) => user.role === role);
  }

  // A person without a name, in a browser profile of their own.
  async stranger(name = 'stranger', locale = 'pt-BR') {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: HEIGHT }, locale, colorScheme: 'light', reducedMotion: 'reduce' });
    context.setDefaultTimeout(15_000);
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (seen) => console.error(`CSP ${seen.violatedDirective} ${seen.blockedURI}`));
    });
    const page = await context.newPage();
    page.on('console', (said) => {
      const status = /status of (\d{3})/.exec(said.text())?.[1];
      if (said.type() !== 'error' || (status && this.#expected.has(status))) return;
      this.step(`console of ${name} at ${new URL(page.url()).pathname}`, false, said.text());
    });
    page.on('pageerror', (error) => this.step(`script of ${name} at ${new URL(page.url()).pathname}`, false, error.message));
    return page;
  }

  // What `act` does may be answered with these statuses.
  async expecting(statuses, act) {
    for (const status of statuses) this.#expected.add(String(status));
    const done = await act();
    // The console's word comes after the answer.
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const status of statuses) this.#expected.delete(String(status));
    return done;
  }

  async signIn(page, { email, password }) {
    await page.goto(`${this.ready.http}/login`);
    await page.fill('#email', email);
    await page.fill('#password', password);
    await page.click('form[action="/login"] button[type=submit]');
    await page.waitForURL((url) => url.pathname !== '/login');
  }

  // The demo's person of a role, signed in once.
  async person(role) {
    if (!this.#people.has(role)) {
      const page = await this.stranger(role);
      await this.signIn(page, this.user(role));
      this.#people.set(role, page);
    }
    return this.#people.get(role);
  }

  // axe with contrast, and no sideways scroll, in both schemes on wide and narrow glass.
  async accessible(page, name) {
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: HEIGHT });
        await page.evaluate(axe);
        const found = await page.evaluate(async () => {
          const { violations } = await window.axe.run({ resultTypes: ['violations'] });
          const wide = document.documentElement.scrollWidth - window.innerWidth;
          const tell = ({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join('; ')}`;
          return [...violations.map(tell), ...(wide > 0 ? [`scrolls sideways by ${wide}px`] : [])];
        });
        this.step(`everyone can read ${name}, ${colorScheme}, ${width}px`, found.length === 0, found.join(', '));
        if (this.shots) await page.screenshot({ path: `${this.shots}/${name.replaceAll(/[^a-z0-9]+/gi, '-')}-${colorScheme}-${width}.png`, fullPage: true });
      }
    }
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 1440, height: HEIGHT });
  }

  async close() {
    await this.browser.close();
    console.log(this.faults.length ? `${this.faults.length} fault(s): ${this.faults.join(' | ')}` : `whole: ${this.shown} steps`);
    return this.faults.length ? 1 : 0;
  }
}
