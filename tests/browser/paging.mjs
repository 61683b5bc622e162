// A red calls a person who looks elsewhere: sound, title, escalation, answer by keyboard, and a queue on whose top stands
// what nobody answered.
import { alertOf, api, settled, tap } from './stories.mjs';
import { tachycardia } from './wearable.mjs';

const FORCE = '#escalation form[action$="/escalate"] button';

export async function aRedCallsAPersonWhoLooksElsewhere(stage, device) {
  const page = await stage.person('clinician');
  await page.goto(`${stage.ready.http}/patients`);
  await page.locator('.live-state.is-on').waitFor();
  await page.locator('#sound').click();
  await stage.until('the sound is turned on', page.locator('#sound[data-state="on"][aria-pressed="true"]').waitFor());
  stage.step('and nothing says that it is blocked', await page.locator('#sound-blocked').isHidden());
  const before = Number(await page.locator('#pager').getAttribute('data-unread'));
  const rang = Number(await page.locator('#sound').getAttribute('data-rang') ?? 0);

  const other = await page.context().newPage();
  await other.goto(`${stage.ready.http}/rules`);
  await other.bringToFront();
  stage.step('a tab that nobody touched says that its sound is blocked, or plays it', await other.locator('#sound').getAttribute('data-state') !== 'off');
  await page.evaluate(outOfSight);
  await tachycardia(stage.ready, device);
  await stage.until('a red calls the clinician on call, in a tab behind', page.locator(`#pager[data-unread="${before + 1}"]`).waitFor({ timeout: 5_000 }));
  await stage.until('the title counts it', eventually(async () => (await page.title()).startsWith(`(${before + 1}) `)));
  stage.step('and the sound is played', Number(await page.locator('#sound').getAttribute('data-rang')) > rang);
  await stage.accessible(page, 'a page of somebody who is called');
  await other.close();

  const alert = await alertOf(stage, device);
  await page.goto(`${stage.ready.http}${alert}`);
  await stage.until('the escalation says who was called', page.locator('#escalation .escalation-done').getByText('chamado').first().waitFor());
  await stage.until('opening it is reading it', page.locator('#escalation .called').getByText('Painel: lido').first().waitFor());
  const left = page.locator('#escalation time[data-left]');
  const first = await left.textContent();
  await page.emulateMedia({ reducedMotion: 'no-preference' });
  await stage.until('the time to the next step counts down', eventually(async () => await left.textContent() !== first));
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const seen = (await api(stage, 'clinician', `/api/v1${alert}/escalation`)).stepped_at;

  await page.locator('#main').focus();
  await page.keyboard.press('c');
  await stage.until('c claims it', page.locator('#escalation .escalation-standing').getByText('Assumido por').waitFor());
  await page.locator('#main').focus();
  await page.keyboard.press('c');
  await stage.until('c again answers for it', page.locator('#escalation .escalation-standing').getByText('respondeu').waitFor());
  await page.locator('[data-unack]').focus();
  await page.keyboard.press('Enter');
  await stage.until('the answer is taken back, and it pages again', page.locator('#escalation .escalation-standing').getByText('À espera').waitFor());
  await page.waitForTimeout(1_500);
  const stale = await api(stage, 'clinician', `/api/v1${alert}/escalate`, { seen }).then(() => 'taken', (error) => error.message);
  stage.step('a button that is older than the last page is stale', stale.includes('E_STALE_STEP'), stale);

  for (let i = 0; i < 8 && !(await page.locator('#escalation .escalation-standing.is-loud').count()); i += 1) {
    await page.goto(`${stage.ready.http}${alert}`);
    await page.locator(FORCE).focus();
    await page.keyboard.press('Enter');
    await page.waitForTimeout(1_000);
    await page.goto(`${stage.ready.http}${alert}`);
  }
  await stage.until('the escalation is over and nobody answered', page.locator('#escalation .escalation-standing.is-loud').waitFor());
  await stage.accessible(page, 'an alert that nobody answered');

  const agent = await stage.person('agent');
  const pinned = agent.locator(`.group.is-unreached .row-link[href="${alert}"]`);
  for (const path of ['/queue', '/queue?level=yellow', '/queue?state=resolved']) {
    await agent.goto(`${stage.ready.http}${path}`);
    stage.step(`it stands on top of ${path}`, await pinned.count() === 1);
  }
  await agent.goto(`${stage.ready.http}/queue`);
  await stage.accessible(agent, 'a queue with what nobody answered');
  await settled(agent);
  await tap(agent, agent.locator('.group.is-unreached .row', { has: agent.locator(`[href="${alert}"]`) }).locator('[data-claim]'));
  await stage.until('until a named person takes it', pinned.waitFor({ state: 'detached' }));
  await page.bringToFront();
  await page.goto(`${stage.ready.http}${alert}`);
  await stage.until('whom the escalation names', page.locator('#escalation .escalation-standing').getByText('Assumido por').waitFor());
}

// What a browser takes from a tab that nobody sees: frames, and timers shorter than a second. A headless one hides none.
function outOfSight() {
  Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true });
  Object.defineProperty(document, 'hidden', { get: () => true, configurable: true });
  const later = window.setTimeout.bind(window);
  window.setTimeout = (act, ms = 0, ...rest) => later(act, Math.max(ms, 1_000), ...rest);
  window.requestAnimationFrame = () => 0;
  document.dispatchEvent(new Event('visibilitychange'));
}

async function eventually(holds) {
  for (let i = 0; i < 50; i += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('not within five seconds');
}

// A policy is changed by one person and put in force by another, with what it would have done beside it.
export async function aPolicyNeedsTwo(stage) {
  const author = await stage.person('clinician');
  await author.goto(`${stage.ready.http}/policies/red_alert`);
  await author.fill('#s1-minutes', 'logo');
  await author.locator('#editor-check').click();
  await stage.until('a mistake stands at its field', author.locator('#s1-minutes-wrong').waitFor());
  await author.fill('#s1-minutes', '7');
  await author.locator('#editor-rehearse').click();
  await stage.until('a dry run over last month is beside it', author.locator('#draft-rehearsed').waitFor());
  await stage.accessible(author, 'a policy being written');
  await author.getByRole('button', { name: 'Propor', exact: true }).click();
  await author.waitForURL((url) => url.hash.startsWith('#proposal-'));
  stage.step('its author is told to ask another', await author.getByText('Quem propôs não aprova').count() === 1);
  const second = await stage.person('manager');
  await second.goto(`${stage.ready.http}/policies/red_alert`);
  await stage.accessible(second, 'a proposal that waits');
  await second.getByRole('button', { name: /^Aprovar/ }).click();
  await second.waitForURL((url) => url.hash === '#history');
  await stage.until('a second person puts it in force', second.locator('.head').getByText('v2').first().waitFor());
}

// A program is added, its secret is on that page alone; it is tried, and disabled before anybody would miss it.
export async function aProgramIsAdded(stage) {
  const page = await stage.person('admin');
  const add = async (url) => {
    if (!(await page.locator('#url').isVisible())) await page.locator('details.enrol > summary').click();
    await page.fill('#url', url);
    await page.click('form[action="/webhooks"] button[type=submit]');
  };
  await page.goto(`${stage.ready.http}/webhooks`);
  await stage.expecting([422], async () => {
    await add('http://pager.example/');
    await page.waitForSelector('#webhook-refused');
  });
  stage.step('an address that is not taken stays in its field', (await page.inputValue('#url')) === 'http://pager.example/');
  await add('http://127.0.0.1:9/');
  await page.waitForSelector('#secret');
  stage.step('the secret is shown', (await page.inputValue('#secret')).startsWith('whsec_'));
  await page.goto(`${stage.ready.http}/webhooks`);
  stage.step('the secret is shown once', (await page.locator('#secret').count()) === 0);
  await page.locator('main h2 a').first().click();
  await page.waitForSelector('#calls');
  const id = new URL(page.url()).pathname.split('/').at(-1);
  await page.click('form[action$="/test"] button');
  await stage.until('a test is planned', page.waitForSelector('#calls td code'));
  await page.locator('details.act', { has: page.locator('form[action$="/disable"]') }).locator('summary').click();
  await page.click('form[action$="/disable"] button');
  await stage.until('a program is called no more', page.waitForSelector('form[action$="/test"]', { state: 'detached' }));
  return id;
}

// A refused team says which field is wrong, and keeps its people.
export async function aTeamKeepsWhatWasTyped(stage, colleague) {
  // Somebody who may answer: a team with anybody else is refused.
  const member = `form[action="/teams"] input[value="${colleague}"]`;
  const page = await stage.person('manager');
  await page.goto(`${stage.ready.http}/teams`);
  await page.locator('details.act', { has: page.locator('#new-id') }).locator('summary').click();
  await page.fill('#new-id', '-');
  await page.evaluate(() => { document.querySelector('#new-id').value = 'Night nurses'; document.querySelector('#new-id').removeAttribute('pattern'); });
  await page.fill('#new-pt', 'Enfermagem da noite');
  await page.fill('#new-en', 'Night nurses');
  await page.check(member);
  await stage.expecting([422], async () => {
    await page.click('form[action="/teams"] button[type=submit]');
    await page.waitForSelector('#new-id[aria-invalid]');
  });
  stage.step('a refused team keeps what was typed', (await page.inputValue('#new-pt')) === 'Enfermagem da noite' && await page.isChecked(member));
  await page.fill('#new-id', 'night_nurses');
  await page.click('form[action="/teams"] button[type=submit]');
  await stage.until('a team is there', page.waitForSelector('#t-night_nurses'));
}

// A test page rings on the dashboard of who sent it, and is read where it leads.
export async function aTestPageRings(stage) {
  const page = await stage.person('technician');
  await page.goto(`${stage.ready.http}/account`);
  await page.click('form[action="/account/trial"] button');
  const link = page.locator('#pager a[href="/account/trial"]');
  await stage.until('a test page rings', link.waitFor());
  await stage.until('its receipt moves', page.waitForSelector('#trial .tag-on:has-text("entregue")'));
  await link.click();
  await page.waitForURL('**/account/trial');
  await stage.until('a test page is read where it leads', page.waitForSelector('main .tag-on:has-text("lido")'));
  stage.step('it rings no more', (await page.locator('#pager a[href="/account/trial"]').count()) === 0);
}

// What is looked at together is in sight together: two weeks of a schedule and the state of every channel.
export async function nothingIsCutOffOnWideGlass(stage) {
  for (const [role, path] of [['manager', '/schedules/clinician_on_call'], ['admin', '/status'], ['manager', '/on-duty']]) {
    const page = await stage.person(role);
    await page.goto(`${stage.ready.http}${path}`);
    const cut = await page.locator('.scroll').evaluateAll((all) => all.map((one) => one.scrollWidth - one.clientWidth).filter((more) => more > 0));
    stage.step(`no table of ${path} scrolls at 1440px`, cut.length === 0, cut.join(', '));
  }
}
