// The dashboard in a real browser, with the demo's data: what people live through, then every page under axe with
// contrast, in both schemes, wide and at 390 px; no CSP violation and no console error anywhere.
// Usage: node dashboard.mjs READY.json CHROMIUM [DIRECTORY FOR SCREENSHOTS]
// READY.json is the demo's one line. Prints one line per step; exits 1 at a fault.
import fs from 'node:fs';
import { Stage } from './stage.mjs';
import { inEnglish, pages, refusals } from './pages.mjs';
import * as duty from './duty.mjs';
import * as paging from './paging.mjs';
import * as settings from './settings.mjs';
import * as stories from './stories.mjs';

const [, , line, chromium, shots] = process.argv;
const ready = JSON.parse(fs.readFileSync(line, 'utf8'));
const stage = await Stage.open(ready, chromium, shots);
const check = (page, name) => stage.accessible(page, name);
const [first, second] = ready.devices.filter((device) => !device.replayed).slice(-2);

await stories.aRedArrivesWhileTyping(stage, first);
await stories.aReasonHalfWrittenStays(stage, first, second);
const [claimed, resolved] = [await stories.alertOf(stage, first), await stories.alertOf(stage, second)];
await stories.anAlertIsAnsweredForByMouse(stage, first);
await stories.anAlertIsAnsweredForByKeyboard(stage, second);
await stories.aDoubleTapClaimsOnePatient(stage);
await stories.theOpenMenuLiesOverThePages(stage);
await stories.aChartIsZoomed(stage, second);
await stories.aRevocationMasks(stage, second);
const device = await stories.aDeviceIsPaired(stage, check);
await stories.aFormKeepsWhatWasTyped(stage);
await stories.aNewcomerGuardsTheirSignIn(stage);

const replayed = ready.devices[0].patient_id;
const open = await stories.api(stage, 'clinician', '/api/v1/alerts?level=red&state=open');
const colleague = (await stories.api(stage, 'manager', '/api/v1/on-call/capacity')).people[0].user_id;
const webhook = await paging.aProgramIsAdded(stage);
await paging.aTeamKeepsWhatWasTyped(stage, colleague);
await paging.aTestPageRings(stage);
await paging.nothingIsCutOffOnWideGlass(stage);
const places = { patient: replayed, masked: second.patient_id, alert: `/alerts/${open.items[0].id}`, resolved, device, colleague, webhook };
const nobody = await stage.stranger();
for (const [name, role, path] of pages(places)) {
  const page = role ? await stage.person(role) : nobody;
  await show(page, name, path);
}
for (const [name, role, path, status] of refusals) {
  const page = role ? await stage.person(role) : nobody;
  await stage.expecting([status], async () => {
    const answer = await page.goto(`${ready.http}${path}`);
    stage.step(`${name} answers ${status}`, answer.status() === status, String(answer.status()));
    await stage.accessible(page, name);
  });
}
const readInEnglish = pages(places).filter(([name]) => inEnglish.includes(name));
for (const [name, role, path] of readInEnglish) {
  const page = await stage.person(role);
  await page.goto(`${ready.http}${path}`);
  await english(page);
  await show(page, `${name} in English`, path);
  const words = await page.locator('body').innerText();
  stage.step(`${name} is English`, (await page.locator('html').getAttribute('lang')) === 'en' && !/\b(Abrir|Sair|Leituras|Fila)\b/.test(words));
}
for (const [role, path] of new Map(readInEnglish.map(([, role, path]) => [role, path]))) await inPortuguese(await stage.person(role), path);
await paging.aPolicyNeedsTwo(stage);
await settings.aCalendarIsSeenBeforeItHolds(stage);
await settings.aMessageMayNotTell(stage);
await settings.aPolicyIsBegun(stage);
await paging.aRedCallsAPersonWhoLooksElsewhere(stage, first);
await duty.aSlipIsAskedAgain(stage);
await duty.colleaguesSwapATurn(stage);
await duty.somebodyIsAway(stage, colleague);
process.exit(await stage.close());

async function show(page, name, path) {
  await page.goto(`${ready.http}${path}`);
  if (await page.locator('figure[data-chart]').count()) await page.locator('.u-over').first().waitFor();
  await stage.accessible(page, name);
}

async function english(page) {
  if ((await page.locator('html').getAttribute('lang')) === 'en') return;
  await page.locator('form.switches button[value="en"]').first().evaluate((button) => button.click());
  await page.waitForSelector('html[lang="en"]');
}

async function inPortuguese(page, path) {
  await page.goto(`${ready.http}${path}`);
  await page.locator('form.switches button[value="pt-BR"]').first().evaluate((button) => button.click());
  await page.waitForSelector('html[lang="pt-BR"]');
}
