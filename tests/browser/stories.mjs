// What people live through: a red while they type, a chart, an alert answered for, a door closed, a new device.
import { connected, tachycardia } from './wearable.mjs';

const HALF = 'Ana Be';

// Someone types, the caret in the middle of the word, while a red arrives over MQTT.
export async function aRedArrivesWhileTyping(stage, device) {
  const page = await stage.person('clinician');
  await page.goto(`${stage.ready.http}/queue`);
  await page.locator('.live-state.is-on').waitFor();
  const before = await reds(page);
  stage.step('reds of the recordings are in the queue', before > 0);
  stage.step('the title counts them', (await page.title()).startsWith(`(${before}) `), await page.title());
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
  stage.step('the title counts it', (await page.title()).startsWith(`(${before + 1}) `), await page.title());
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
  if (!bearers.has(role)) {
    const { email, password } = stage.user(role);
    const answer = await fetch(`${stage.ready.http}/api/v1/auth/token`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email, password }),
    });
    bearers.set(role, (await answer.json()).access_token);
  }
  const answer = await fetch(`${stage.ready.http}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${bearers.get(role)}` },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

// Claimed by mouse in the queue, acknowledged and resolved by mouse on its page.
export async function anAlertIsAnsweredForByMouse(stage, device) {
  const page = await stage.person('clinician');
  const alert = await alertOf(stage, device);
  await page.goto(`${stage.ready.http}/queue`);
  const row = page.locator(`#row-${alert.split('/').at(-1)}`);
  await row.locator('[data-claim]').click();
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
  await page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.999, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  const asked = new URL((await finer).url()).searchParams;
  const span = Date.parse(asked.get('to')) - Date.parse(asked.get('from'));
  stage.step('a drag asks the server for the span under it', span > 0 && span < 15 * 60_000, `${span} ms`);
  stage.step('and is answered', (await (await finer).response()).ok());
  const out = page.getByRole('button', { name: 'Voltar ao período inteiro' });
  await out.waitFor();
  const whole = page.waitForResponse((answer) => answer.url().includes('/series?'));
  await out.click();
  stage.step('the whole span comes back', (await whole).ok());
  const table = page.locator('.as-table');
  await table.locator('summary').click();
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
