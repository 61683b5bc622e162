// What people live through: a red while they type, a chart, an alert answered for, a door closed, a new device.
import { createHmac } from 'node:crypto';
import { connected, tachycardia } from './wearable.mjs';

const HALF = 'Ana Be';

// Someone types, the caret in the middle of the word, while a red arrives over MQTT.
export async function aRedArrivesWhileTyping(stage, device) {
  const page = await stage.person('clinician');
  await page.goto(`${stage.ready.http}/queue`);
  await page.locator('.live-state.is-on').waitFor();
  const before = await reds(page);
  stage.step('reds of the recordings are in the queue', before > 0);
  stage.step('the title counts them', await titled(page, before), await page.title());
  const field = page.locator('#q');
  await field.click();
  await page.keyboard.type(HALF);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  const kept = await field.elementHandle();
  const sent = await tachycardia(stage.ready, device);
  await stage.until('a red arrives on the open queue without a reload', page.locator(`#rows [data-red-open="${before + 1}"]`).waitFor({ timeout: 5_000 }));
  console.log(`   ${Date.now() - sent} ms from PUBACK to the page`);
  const caret = await kept.evaluate((node) => ({
    connected: node.isConnected, focused: document.activeElement === node, text: node.value, at: node.selectionStart,
  }));
  stage.step('text, focus and caret of the typing hand stay', caret.connected && caret.focused && caret.text === HALF && caret.at === HALF.length - 2, JSON.stringify(caret));
  await page.keyboard.type('xy');
  stage.step('typing goes on where it was', (await field.inputValue()) === 'Ana xyBe', await field.inputValue());
  await stage.until('a screen reader hears of it', page.locator('#say', { hasText: 'Novo alerta vermelho' }).waitFor({ state: 'attached' }));
  await stage.until('the number beside the queue counts it', page.locator(`#red-open [data-red-open="${before + 1}"]`).waitFor());
  stage.step('the title counts it', await titled(page, before + 1), await page.title());
}

// Pages that wait for this very person come before the number of reds.
async function titled(page, reds) {
  const called = Number(await page.evaluate(() => document.body.dataset.pages ?? 0));
  return (await page.title()).startsWith(`(${called || reds}) `);
}

const reds = async (page) => Number(await page.locator('#rows [data-red-open]').getAttribute('data-red-open'));

// On the alert's page half a reason is written when another patient turns red: the page is asked for again.
export async function aReasonHalfWrittenStays(stage, first, second) {
  const page = await stage.person('agent');
  await page.goto(`${stage.ready.http}${await alertOf(stage, first)}`);
  await page.locator('.live-state.is-on').waitFor();
  await page.locator('[data-resolve]').click();
  const reason = page.locator('#resolve-reason');
  await reason.fill('Paciente correu para o ônibus');
  await reason.press('Home');
  const asked = page.waitForResponse((answer) => new URL(answer.url()).pathname.startsWith('/alerts/'));
  await tachycardia(stage.ready, second);
  stage.step('an open alert is asked for again when something is raised', (await asked).ok());
  await page.waitForTimeout(100);
  const held = await reason.evaluate((node) => ({ text: node.value, at: node.selectionStart, focused: document.activeElement === node, shown: node.checkVisibility() }));
  stage.step('half a reason, its focus and its caret stay', held.text.startsWith('Paciente correu') && held.at === 0 && held.focused && held.shown, JSON.stringify(held));
}

export async function alertOf(stage, { patient_id }) {
  const answer = await api(stage, 'clinician', `/api/v1/patients/${patient_id}/alerts?level=red`);
  return `/alerts/${answer.items.at(-1).id}`;
}

const bearers = new Map();

// The API for the demo's user of a role.
export async function api(stage, role, path, body) {
  // An access token counts for five minutes; the walk may take longer.
  if (!(bearers.get(role)?.until > Date.now())) {
    const { email, password } = stage.user(role);
    const answer = await fetch(`${stage.ready.http}/api/v1/auth/token`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email, password }),
    });
    bearers.set(role, { token: (await answer.json()).access_token, until: Date.now() + 240_000 });
  }
  const answer = await fetch(`${stage.ready.http}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${bearers.get(role).token}` },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

// Nothing has moved under the finger for a while: a tap counts again.
export async function settled(page) {
  await page.locator('#pager[data-unread]').waitFor({ state: 'attached' });
  await page.locator('body:not([data-moving])').waitFor({ state: 'attached' });
}

// As a finger does: a tap on what has just moved is refused and said, and then the queue holds still for the next.
export async function tap(page, button) {
  await button.scrollIntoViewIfNeeded();
  await settled(page);
  await button.click();
  const moved = await page.evaluate(() => document.body.dataset.sayMoved);
  const refused = await page.locator('#say', { hasText: moved }).waitFor({ timeout: 500 }).then(() => true, () => false);
  if (!refused) return;
  await settled(page);
  await button.click();
}

const mine = async (page) => Number(/(\d+) com você/.exec(await page.locator('.tally').innerText())?.[1]);

// A tired finger taps twice: the row that it claimed goes away, and what comes under the finger is not claimed.
export async function aDoubleTapClaimsOnePatient(stage) {
  const page = await stage.person('agent');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${stage.ready.http}/queue`);
  await settled(page);
  const before = await mine(page);
  const button = page.locator('.queue [data-claim]').first();
  await button.scrollIntoViewIfNeeded();
  await settled(page);
  const { x, y, width, height } = await button.boundingBox();
  await page.mouse.click(x + width / 2, y + height / 2);
  await page.waitForFunction((held) => Number(/(\d+) com você/.exec(document.querySelector('.tally').innerText)?.[1]) > held, before);
  await stage.until('one tap says whose alert was claimed', page.locator('#say.is-shown', { hasText: 'está com você' }).waitFor());
  await page.mouse.click(x + width / 2, y + height / 2);
  stage.step('the second tap stays on the queue', new URL(page.url()).pathname === '/queue', page.url());
  await settled(page);
  await page.reload();
  stage.step('two taps claim one patient', (await mine(page)) === before + 1, `${before} then ${await mine(page)}`);
  await page.setViewportSize({ width: 1440, height: 900 });
}

// Somebody who is being called opens the menu on a telephone: each of its places can be tapped.
export async function theOpenMenuLiesOverThePages(stage) {
  const page = await stage.person('clinician');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${stage.ready.http}/queue`);
  await page.locator('#pager .banner').waitFor();
  await page.locator('.menu > summary').click();
  const covered = await page.evaluate(() => [...document.querySelectorAll('.menu nav a')].filter((link) => {
    const box = link.getBoundingClientRect();
    return !link.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
  }).map((link) => link.innerText));
  stage.step('no page lies over the open menu', covered.length === 0, covered.join(', '));
  await page.locator('.menu > summary').click();
  await page.setViewportSize({ width: 1440, height: 900 });
}

// Claimed by mouse in the queue, acknowledged and resolved by mouse on its page.
export async function anAlertIsAnsweredForByMouse(stage, device) {
  const page = await stage.person('clinician');
  const alert = await alertOf(stage, device);
  await page.goto(`${stage.ready.http}/queue`);
  const row = page.locator(`#row-${alert.split('/').at(-1)}`);
  await tap(page, row.locator('[data-claim]'));
  await stage.until('claimed by mouse in the queue, without a reload', row.getByText('Com você').waitFor());
  await row.locator('.row-link').click();
  await page.waitForURL(`**${alert}`);
  await page.locator('#story-h').waitFor();
  await stage.until('its story names the act', page.locator('.timeline').getByText('Assumiu o alerta').waitFor());
  await page.locator('[data-resolve]').click();
  await page.locator('label[for="outcome-true"]').click();
  await page.fill('#resolve-reason', 'Ligação feita, sem sintomas');
  await page.getByRole('button', { name: 'Resolver alerta' }).click();
  await page.waitForURL((url) => url.pathname === '/queue');
  await page.goto(`${stage.ready.http}${alert}`);
  await stage.until('resolved with its outcome', page.locator('.facts').getByText('Real, paciente atendido').waitFor());
}

// No mouse: j to the row, o to open, c to claim, r to resolve; Tab reaches what the keys do.
export async function anAlertIsAnsweredForByKeyboard(stage, device) {
  const page = await stage.person('agent');
  const alert = await alertOf(stage, device);
  await page.goto(`${stage.ready.http}/queue`);
  await page.keyboard.press('Tab');
  stage.step('the first Tab offers to skip to the content', await page.locator('.skip').evaluate((node) => document.activeElement === node));
  await page.keyboard.press('Enter');
  for (let i = 0; i < 60; i += 1) {
    await page.keyboard.press('j');
    const here = await page.evaluate(() => document.activeElement?.getAttribute('href'));
    if (here === alert) break;
  }
  const ring = await page.evaluate(() => { const style = getComputedStyle(document.activeElement); return { href: document.activeElement.getAttribute('href'), outline: `${style.outlineStyle} ${style.outlineWidth}` }; });
  stage.step('j walks to the row, and the focus is seen', ring.href === alert && ring.outline === 'solid 3px', JSON.stringify(ring));
  await page.keyboard.press('o');
  await page.waitForURL(`**${alert}`);
  await page.locator('#alert').waitFor();
  await page.keyboard.press('c');
  await stage.until('c claims it', page.locator('.timeline').getByText('Assumiu o alerta').waitFor());
  await page.waitForLoadState();
  await page.keyboard.press('r');
  stage.step('r opens the form, at its first choice', await page.evaluate(() => document.activeElement?.id === 'outcome-true'));
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Pulseira solta, paciente bem');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === '/queue');
  await page.goto(`${stage.ready.http}${alert}`);
  await stage.until('answered for by keyboard alone', page.locator('.facts').getByText('Alarme falso').waitFor());
}

// A drag over the chart asks for a finer series; the way back is on the page.
export async function aChartIsZoomed(stage, device) {
  const page = await stage.person('clinician');
  await page.goto(`${stage.ready.http}/patients/${device.patient_id}?signal=heart_rate&range=1h`);
  const plot = page.locator('.u-over').first();
  await plot.waitFor();
  const box = await plot.boundingBox();
  const finer = page.waitForRequest((asked) => asked.url().includes('/series?'));
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  const asked = new URL((await finer).url()).searchParams;
  const span = Date.parse(asked.get('to')) - Date.parse(asked.get('from'));
  stage.step('a drag asks the server for the span under it', span > 0 && span < 15 * 60_000, `${span} ms`);
  stage.step('and is answered', (await (await finer).response()).ok());
  const closer = page.waitForRequest((asked) => asked.url().includes('/series?'));
  await page.getByRole('button', { name: 'Ampliar' }).press('Enter');
  const half = new URL((await closer).url()).searchParams;
  stage.step('the keyboard zooms too', Math.round((span / (Date.parse(half.get('to')) - Date.parse(half.get('from')))) * 10) === 20);
  const out = page.getByRole('button', { name: 'Voltar ao período inteiro' });
  await out.waitFor();
  const whole = page.waitForResponse((answer) => answer.url().includes('/series?'));
  await out.click();
  stage.step('the whole span comes back', (await whole).ok());
  const table = page.locator('.as-table');
  await table.locator('summary').click();
  await table.locator('tbody tr').first().waitFor();
  const rows = await table.locator('tbody tr').count();
  stage.step('the chart has its table', rows > 0 && rows <= 48, `${rows} rows`);
}

// A revocation elsewhere masks the open chart, and the queue's words, without a reload.
export async function aRevocationMasks(stage, device) {
  const page = await stage.person('clinician');
  await page.goto(`${stage.ready.http}/patients/${device.patient_id}?signal=heart_rate&range=1h`);
  await page.locator('.u-over').first().waitFor();
  await page.locator('.live-state.is-on').waitFor();
  await page.evaluate(() => { window.sameDocument = true; });
  await stage.expecting([403], async () => {
    const path = `/api/v1/patients/${device.patient_id}/consents`;
    await api(stage, 'dpo', path, { purpose: 'alert.evaluate', action: 'revoke' });
    const sent = Date.now();
    await stage.until('a revocation masks the chart: "sem base legal para exibir"', page.locator('#readings .masked').getByText(/sem base legal para exibir/i).waitFor({ timeout: 5_000 }));
    console.log(`   ${Date.now() - sent} ms from the answer to the mask`);
    stage.step('it says why and since when', /revogado.* em (hoje|\d|.*LGPD)/i.test(await page.locator('#readings .masked').innerText()), await page.locator('#readings .masked').innerText());
  });
  const left = await page.evaluate(() => ({ same: window.sameDocument, canvases: document.querySelectorAll('canvas').length, cells: document.querySelectorAll('[data-table] td').length, latest: document.querySelectorAll('.latest li').length }));
  stage.step('nothing of the readings is left in the page, which was not reloaded', left.same && left.canvases + left.cells + left.latest === 0, JSON.stringify(left));
}

// Enrolled by form, paired by the shown token: the page turns green when the device first connects.
export async function aDeviceIsPaired(stage, check) {
  const page = await stage.person('technician');
  await page.goto(`${stage.ready.http}/devices`);
  await page.locator('.enrol summary').click();
  await page.fill('#device-name', 'Pulseira nova 07');
  await page.locator('.enrol form button[type=submit]').click();
  await page.waitForURL(/\/devices\/[0-9a-f-]{36}/);
  await page.getByRole('button', { name: 'Emparelhar' }).click();
  const light = page.locator('#light');
  await light.getByText('Aguardando a primeira conexão').waitFor();
  stage.step('the QR code is drawn', (await page.locator('.qr svg').count()) === 1);
  const token = await page.locator('textarea.token').inputValue();
  const device_id = await page.locator('.pairing code').filter({ hasText: /^[0-9a-f-]{36}$/ }).innerText();
  await page.locator('.live-state.is-on').waitFor();
  await check(page, 'pairing, waiting');
  const client = await connected(stage.ready, { device_id, token });
  await stage.until('the page turns green at the first connection', page.locator('#light.light-on').waitFor({ timeout: 5_000 }));
  await check(page, 'pairing, connected');
  await client.endAsync();
  await page.goto(`${stage.ready.http}/devices/${device_id}`);
  stage.step('the token is not shown again', !(await page.content()).includes(token));
  return device_id;
}

// A form says what it does not take beside the field, and keeps what was typed.
export async function aFormKeepsWhatWasTyped(stage) {
  const page = await stage.person('admin');
  await page.goto(`${stage.ready.http}/patients`);
  await page.locator('.enrol summary').click();
  const typed = { 'patient-name': 'Quitéria Modelo', 'patient-birth': '1958-02-11', 'patient-cpf': '529.982.247-26' };
  for (const [id, text] of Object.entries(typed)) await page.fill(`#${id}`, text);
  const submit = page.locator('form[action="/patients"][method=post] button[type=submit]');
  await stage.expecting([422], async () => {
    await submit.click();
    await stage.until('a form says which field it does not take', page.locator('.form-refusal .refusal').getByText('Este CPF não existe').waitFor());
  });
  const kept = await page.evaluate((ids) => ids.map((id) => document.getElementById(id).value), Object.keys(typed));
  stage.step('and keeps what was typed', kept.join() === Object.values(typed).join(), kept.join());
  const wrong = page.locator('#patient-cpf');
  stage.step('the field is marked and has the focus', (await wrong.getAttribute('aria-invalid')) === 'true' && (await wrong.evaluate((node) => document.activeElement === node)));
  await stage.accessible(page, 'a refused form');
  await wrong.fill('529.982.247-25');
  await submit.click();
  await page.waitForURL(/\/patients\/[0-9a-f-]{36}/);
  for (const q of ['quiter', 'MODELO QUIT', '529.982.247-25']) {
    await page.goto(`${stage.ready.http}/patients?q=${encodeURIComponent(q)}`);
    stage.step(`“${q}” finds her`, await page.getByRole('link', { name: 'Quitéria Modelo' }).isVisible());
  }
}

// Invited by link, a password of their own, a second factor by QR code, signed in with it, and taken away again.
export async function aNewcomerGuardsTheirSignIn(stage) {
  // Roles, links and vouching want a sign-in of the last minutes.
  const admin = await stage.stranger('an administrator just signed in');
  await stage.signIn(admin, stage.user('admin'));
  await admin.goto(`${stage.ready.http}/users`);
  await admin.locator('.enrol summary').click();
  const email = 'rosa@clinica.example', password = 'cavalo correto bateria';
  await admin.fill('#user-name', 'Rosa Inventada');
  await admin.fill('#user-email', email);
  await admin.selectOption('#user-role', 'agent');
  await admin.locator('form[method=post][action="/users"] button[type=submit]').click();
  const link = await admin.locator('#link').inputValue();
  await stage.accessible(admin, 'users, with a link');
  const page = await stage.stranger('newcomer');
  await page.goto(link);
  await stage.accessible(page, 'a password link');
  await page.fill('#password', password);
  await page.fill('#again', password);
  await page.locator('form.stack button[type=submit]').click();
  await page.waitForURL(/\/login$/);
  const manager = await stage.stranger('a manager just signed in');
  await stage.signIn(manager, stage.user('manager'));
  await manager.goto(`${stage.ready.http}/users`);
  await stage.accessible(manager, 'users, somebody to vouch for');
  await manager.locator('tr', { hasText: 'Rosa Inventada' }).locator('form[action$="/vouch"] button').click();
  await stage.until('a second person vouches for who came in by a link', manager.locator('tr', { hasText: 'Rosa Inventada' }).locator('form[action$="/vouch"]').waitFor({ state: 'detached' }));
  await stage.signIn(page, { email, password });
  stage.step('a newcomer sets a password by a link and signs in', new URL(page.url()).pathname === '/queue', page.url());
  await page.locator('a.who-name').click();
  await page.waitForURL(/\/account$/);
  await stage.accessible(page, 'account');
  await page.getByRole('button', { name: 'Configurar segundo fator' }).click();
  await page.locator('.qr svg').waitFor();
  await stage.accessible(page, 'account, a second factor offered');
  const secret = (await page.locator('code.secret').innerText()).replaceAll(' ', '');
  const confirm = page.getByRole('button', { name: 'Confirmar' });
  await stage.expecting([422], async () => {
    await page.fill('#code', '000000');
    await page.fill('#password', password);
    await confirm.click();
    await stage.until('a wrong code is refused and the secret stays', page.locator('#refused').getByText('Código de verificação inválido').waitFor());
  });
  stage.step('the same secret is still shown', (await page.locator('code.secret').innerText()).replaceAll(' ', '') === secret);
  await page.fill('#code', code(secret));
  await page.fill('#password', password);
  await confirm.click();
  await stage.until('the right one sets the second factor', page.getByText('Ativo', { exact: true }).waitFor());
  stage.step('the secret is not shown again', !(await page.content()).includes(secret));
  await stage.accessible(page, 'account, a second factor set');
  await page.locator('form[action="/logout"] button').click();
  await page.waitForURL(/\/login/);
  let signedIn;
  await stage.expecting([401], async () => {
    await page.fill('#email', email);
    await page.fill('#password', password);
    await page.click('form[action="/login"] button[type=submit]');
    await page.locator('#totp').waitFor();
    await stage.accessible(page, 'login, the code asked for');
    await page.fill('#password', password);
    // The step that confirmed is spent: the next one counts, which the server takes half a minute early.
    signedIn = Math.floor(Date.now() / 30_000);
    await page.fill('#totp', code(secret, 1));
    await page.click('form[action="/login"] button[type=submit]');
    await page.waitForURL(/\/queue$/);
  });
  stage.step('sign-in asks for the code and takes it', true);
  await page.goto(`${stage.ready.http}/account`);
  await page.locator('details.act', { hasText: 'Remover' }).locator('summary').click();
  await stage.accessible(page, 'account, a second factor about to go');
  await stage.expecting([422], async () => {
    await page.fill('#password', 'outra senha qualquer');
    await page.fill('#code', '000000');
    await page.getByRole('button', { name: 'Remover agora' }).click();
    await stage.until('a wrong password takes nothing away', page.locator('#refused').getByText('Senha incorreta').waitFor());
  });
  // The step that signed in is spent, and counts half a minute early: the one after it is waited for.
  await page.waitForFunction((step) => Math.floor(Date.now() / 30_000) > step, signedIn, { timeout: 60_000 });
  await page.fill('#password', password);
  await page.fill('#code', code(secret, 1));
  await page.getByRole('button', { name: 'Remover agora' }).click();
  await stage.until('the right one does', page.getByRole('button', { name: 'Configurar segundo fator' }).waitFor());
}

// RFC 6238 with its defaults, `ahead` steps from now.
function code(secret, ahead = 0) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const hash = createHmac('sha1', key).update(counter).digest();
  const at = hash.at(-1) & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
