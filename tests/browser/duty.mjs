// A schedule by hand: a slip is asked again, a change is seen and undone, colleagues swap a turn, somebody is away.

const local = (at) => new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
const inDays = (days) => local(new Date(Date.now() + days * 86_400_000));

// A year too far is asked again in the form itself; what was meant stands on the page and goes by one press.
export async function aSlipIsAskedAgain(stage) {
  const page = await stage.person('manager');
  const form = page.locator('form[action$="/override"]').last();
  await page.goto(`${stage.ready.http}/schedules/duty_manager`);
  await page.locator('details.act', { has: page.locator('#o-from') }).locator('summary').click();
  await page.fill('#o-from', inDays(366));
  await page.fill('#o-to', inDays(367));
  await page.selectOption('#o-add', { index: 1 });
  await stage.expecting([409], async () => {
    await form.locator('button[type=submit]').click();
    await stage.until('a year too far is asked again', page.locator('#sure').waitFor());
  });
  stage.step('what was typed is still there', (await page.inputValue('#o-from')) === inDays(366));
  await stage.accessible(page, 'a doubtful change');
  await page.check('#sure');
  await form.locator('button[type=submit]').click();
  const undo = page.locator('form[action$="/take-override"] button');
  await stage.until('what was meant stands on the page', undo.first().waitFor());
  await stage.accessible(page, 'a schedule with a change');
  const held = await undo.count();
  await undo.last().click();
  await stage.until('one press takes it back', page.waitForFunction((held) => document.querySelectorAll('form[action$="/take-override"]').length === held - 1, held));
}

// One offers a colleague the turn that lasts now, the other takes it: nobody else is asked. It is given back as any
// change is.
export async function colleaguesSwapATurn(stage) {
  const path = `${stage.ready.http}/schedules/coordination`;
  const agent = await stage.person('agent');
  await agent.goto(path);
  await agent.locator('details.act', { has: agent.locator('#swap-turn') }).locator('summary').click();
  await agent.selectOption('#swap-turn', { index: 1 });
  const other = await stage.person('manager');
  await other.goto(path);
  const name = (await other.locator('.who-name strong').textContent()).trim();
  await agent.selectOption('#swap-with', await agent.locator('#swap-with option', { hasText: name }).first().getAttribute('value'));
  await stage.accessible(agent, 'a swap being asked for');
  await agent.locator('form[action$="/swap"] button[type=submit]').click();
  await stage.until('what is offered stands on the page', agent.locator('form[action$="/withdraw"]').waitFor());
  await other.goto(path);
  await stage.accessible(other, 'a swap that waits');
  await other.locator('form[action$="/accept"] button').click();
  await stage.until('the other takes it', other.locator('form[action$="/accept"]').waitFor({ state: 'detached' }));
  await agent.goto(path);
  stage.step('and is on call', await agent.locator('dl.facts .on-call').first().innerText().then((text) => text.includes('substituição')), await agent.locator('dl.facts').innerText());
  await other.locator('form[action$="/take-override"] button').last().click();
  await stage.until('until it is undone', other.locator('form[action$="/take-override"]').waitFor({ state: 'detached' }));
}

// Somebody is away for two days: each turn is listed, one is covered, the rest is loud.
export async function somebodyIsAway(stage, colleague) {
  const page = await stage.person('manager');
  await page.goto(`${stage.ready.http}/absence?user=${colleague}&from=${inDays(300)}&to=${inDays(302)}`);
  await stage.accessible(page, 'the turns of somebody who is away');
  await page.locator('select[name="c0-by"]').selectOption({ index: 1 });
  await page.locator('form[action="/absence"][method="post"] button[type=submit]').click();
  await stage.until('what nobody covers is loud, or all is covered', page.locator('#done').waitFor());
  await stage.accessible(page, 'an absence that was recorded');
}
