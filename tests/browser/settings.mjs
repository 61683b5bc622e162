// What is kept in versions, changed by people: a calendar that is looked at before it holds, a message that would tell too
// much, a policy that was not there.

export async function aCalendarIsSeenBeforeItHolds(stage) {
  const manager = await stage.person('manager');
  await manager.goto(`${stage.ready.http}/calendars/clinic`);
  await manager.fill('#h2', '08:00-12:00 11:00-18:00');
  await manager.getByRole('button', { name: 'Ver o que muda' }).click();
  await stage.until('hours that overlap stand at their day', manager.locator('#h2-wrong').waitFor());
  await stage.accessible(manager, 'a calendar with a mistake');
  await manager.fill('#h2', '08:00-12:00');
  await manager.fill('#x0-date', '2030-12-24');
  await manager.fill('#x0-label', 'Véspera de Natal');
  await manager.getByRole('button', { name: 'Ver o que muda' }).click();
  await stage.until('the days ahead are shown as they would be', manager.locator('#drafted-h').waitFor());
  await stage.accessible(manager, 'a calendar being looked at');
  await manager.getByRole('button', { name: 'Pôr em vigor' }).click();
  await stage.until('it holds at once', manager.locator('.head').getByText('v2').waitFor());
}

export async function aMessageMayNotTell(stage) {
  const author = await stage.person('dpo');
  await author.goto(`${stage.ready.http}/message-templates/page`);
  await author.fill('#subject-pt', 'Zelo: alerta vermelho');
  await author.getByRole('button', { name: 'Propor', exact: true }).click();
  await stage.until('the word stands at its field', author.locator('#subject-pt-wrong').getByText('vermelh').waitFor());
  stage.step('what was typed stays', await author.inputValue('#subject-pt') === 'Zelo: alerta vermelho');
  await stage.accessible(author, 'a message that tells too much');
  await author.fill('#subject-pt', 'Zelo: alguém precisa de você');
  await author.getByRole('button', { name: 'Propor', exact: true }).click();
  await author.waitForURL((url) => url.hash.startsWith('#proposal-'));
  const second = await stage.person('manager');
  await second.goto(`${stage.ready.http}/message-templates/page`);
  await second.getByRole('button', { name: /^Aprovar/ }).click();
  await second.waitForURL((url) => url.hash === '#history');
  await stage.until('a second person puts it in force', second.locator('.mail-subject').getByText('alguém precisa de você').waitFor());
}

export async function aPolicyIsBegun(stage) {
  const author = await stage.person('clinician');
  await author.goto(`${stage.ready.http}/policies`);
  await author.locator('#begin > summary').click();
  await author.fill('#new-id', 'Plantão!');
  await author.getByRole('button', { name: 'Continuar' }).click();
  await stage.until('an id that may not be is told at its field', author.locator('#new-id-wrong').waitFor());
  await stage.accessible(author, 'an id that may not be');
  await author.fill('#new-id', 'night_shift');
  await author.getByRole('button', { name: 'Continuar' }).click();
  await author.waitForURL((url) => url.pathname === '/policies/night_shift');
  await author.fill('#name_pt', 'Plantão noturno');
  await author.fill('#name_en', 'Night shift');
  await author.selectOption('#s1-target-0', 'role:clinician');
  await author.selectOption('#s0-target-0', 'role:manager');
  await stage.accessible(author, 'a policy that is not there yet');
  await author.getByRole('button', { name: 'Propor', exact: true }).click();
  await author.waitForURL((url) => url.hash === '#proposal-1');
  stage.step('it waits for a second person', await author.getByText('Quem propôs não aprova').count() === 1);
}
