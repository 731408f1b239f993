// Drives the member app of examples/web in Chromium, as a member would, and prints what it saw as JSON.
// test_web_example.py puts this file beside the built app, where its packages are, and judges what it prints.
import { readFileSync } from 'node:fs';

import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const { page: PAGE, api: API, outbox: OUTBOX, chromium: CHROMIUM, identity, key: KEY, email } = JSON.parse(process.argv[2]);
const LIMIT_MS = 20_000;

const seen = { hosts: new Set(), complaints: [], axe: {}, overflow: [] };
let expected = null;

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
});

/** A person with a browser of its own. */
async function person(viewport, colorScheme = 'light') {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
  context.setDefaultTimeout(LIMIT_MS);
  return context;
}

async function tab(context) {
  const page = await context.newPage();
  page.on('request', (request) => seen.hosts.add(new URL(request.url()).host));
  page.on('websocket', (socket) => seen.hosts.add(new URL(socket.url()).host));
  page.on('pageerror', (error) => seen.complaints.push(`pageerror: ${error.message}`));
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    if (expected === null || !expected.test(message.text())) seen.complaints.push(`${message.type()}: ${message.text()}`);
  });
  return page;
}

/** What the browser complains about meanwhile is what the test brings about. */
async function brought(about, task) {
  expected = about;
  try {
    return await task();
  } finally {
    expected = null;
  }
}

async function inspect(page, name) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  seen.axe[name] = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  if (wide) seen.overflow.push(name);
}

const messages = () => {
  try {
    return readFileSync(OUTBOX, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  } catch {
    return [];
  }
};

async function until(look, what) {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function signIn(page) {
  const before = messages().length;
  await page.getByLabel('E-mail address or member number').fill(email);
  await page.getByRole('button', { name: 'Send me a code' }).click();
  await page.getByLabel('Code').waitFor();
  await until(() => messages().length > before, 'a code');
  return messages().at(-1).code;
}

async function enter(page, code) {
  await page.getByLabel('Code').fill(code);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

const text = (page, id) => page.getByTestId(id).innerText();
const balance = (page) => text(page, 'balance');
const go = async (page, name) => {
  await page.getByRole('navigation').getByRole('link', { name }).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
};

async function becomes(page, wanted) {
  await page.getByTestId('balance').getByText(wanted, { exact: true }).waitFor();
}

// --- The program's own server -----------------------------------------------------------------------

const token = await (async () => {
  const answer = await fetch(`${API}/oauth/Auth/Token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', ...identity }),
  });
  return (await answer.json()).access_token;
})();

async function shop(query, variables) {
  const answer = await fetch(`${API}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** The link that the member is mailed. */
async function link() {
  const before = messages().length;
  const query = 'mutation($email: String!) {sessionLinkSend(input: {email: $email}) {done}}';
  const headers = { 'x-publishable-key': KEY, 'content-type': 'application/json' };
  await fetch(`${API}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables: { email } }) });
  await until(() => messages().length > before, 'a link');
  return messages().at(-1).link;
}

let purchases = 0;
async function buy(amount) {
  purchases += 1;
  const input = {
    transactionId: `live-${purchases}`,
    transactionType: 'DR',
    amount,
    transactionDate: new Date().toISOString(),
    memberRelationReference: 'M-1001',
    productCode: 'BOOKS',
  };
  await shop('mutation($i: TransactionSubmitInput!) {transactionSubmit(input: $i) {points}}', { i: input });
}

const told = {};
try {
  const context = await person({ width: 390, height: 844 });
  const page = await tab(context);

  // Every connection of the page, with what it asked for; the next one can be held back, and one that stands can be cut.
  const sockets = [];
  let gate = Promise.resolve();
  await page.routeWebSocket(/graphql/, async (socket) => {
    await gate;
    const server = socket.connectToServer();
    const known = { socket, server, subscribed: [], events: [] };
    socket.onMessage((message) => {
      const said = JSON.parse(message);
      if (said.type === 'subscribe') known.subscribed.push(said.payload.variables.after);
      server.send(message);
    });
    server.onMessage((message) => {
      const said = JSON.parse(message);
      if (said.type === 'next') known.events.push(said.payload.data.memberActivity);
      socket.send(message);
    });
    sockets.push(known);
  });

  // Signing in: a wrong code is told as one, the right one opens the page.
  await page.goto(PAGE);
  await inspect(page, 'sign in');
  const code = await signIn(page);
  await inspect(page, 'code');
  await enter(page, code === '000000' ? '000001' : '000000');
  told.wrongCode = await page.getByRole('alert').innerText();
  await enter(page, code);
  await page.getByTestId('balance').waitFor();
  told.greeting = await page.getByRole('heading', { level: 1 }).innerText();
  told.balance = await balance(page);
  told.tier = await text(page, 'tier');
  told.progress = await page.getByRole('progressbar').getAttribute('value');
  told.expiring = await text(page, 'expiring');
  told.offers = await page.getByRole('region', { name: 'Offers for you' }).innerText();
  told.stored = await page.evaluate(() => Object.keys(JSON.parse(localStorage.getItem('tessera.session'))));
  await page.locator('[data-connection=live]').waitFor();
  await inspect(page, 'home');

  // The statement says why.
  await go(page, 'Activity');
  const earning = page.locator('details[data-kind=EARN]').first();
  await earning.locator('summary').click();
  told.why = await earning.locator('.why').innerText();
  await inspect(page, 'activity');

  // Redeeming: what cannot be is said in words, what can be shows at once.
  await go(page, 'Redeem');
  told.available = await text(page, 'available');
  await page.getByRole('button', { name: 'Redeem' }).click();
  told.nothingTyped = await page.getByRole('alert').innerText();
  await page.getByLabel('How many points?').fill('5000');
  await page.getByRole('button', { name: /Redeem/ }).click();
  told.tooMuch = await page.getByRole('alert').innerText();
  await page.getByLabel('How many points?').fill('120');
  await page.getByRole('button', { name: /Redeem/ }).click();
  told.refused = await page.locator('.notice.problem').innerText();
  await page.getByLabel('How many points?').fill('12.5');
  await page.getByRole('radio', { name: 'charity' }).check();
  await inspect(page, 'redeem');
  await page.getByRole('button', { name: 'Redeem 12.5 points' }).click();
  told.redeemed = await page.locator('.notice.done').innerText();
  await inspect(page, 'redeemed');
  await go(page, 'Home');
  await becomes(page, '155.76');

  // What the shop posts appears by itself: the page is not loaded anew.
  await page.evaluate(() => (window.mark = 'the same page'));
  await buy('3.30');
  await becomes(page, '162.36');
  told.live = await page.locator('.news').innerText();
  told.samePage = await page.evaluate(() => window.mark);

  // Cut off while something is posted: it goes on behind the last event, and gets each once.
  await until(() => sockets.length > 0 && sockets.at(-1).events.length >= 2, 'events');
  let open;
  gate = new Promise((resolve) => (open = resolve));
  const before = sockets.length;
  const last = sockets.at(-1).events.at(-1).eventId;
  await sockets.at(-1).socket.close({ code: 1012, reason: 'cut' });
  await page.locator('[data-connection=live]').waitFor({ state: 'detached' });
  await buy('5');
  await buy('6');
  open();
  const next = await until(() => sockets[before], 'another connection');
  await until(() => next.events.length >= 2, 'what was missed');
  await becomes(page, '184.36');
  told.resumed = { behind: next.subscribed[0] === last, points: next.events.map((event) => event.entry?.points) };

  // Without a connection: it is said, and nothing is lost.
  await brought(/Failed to load resource|WebSocket/, async () => {
    await context.setOffline(true);
    told.offline = await page.getByText('You are offline.').innerText();
    told.offlineBalance = await balance(page);
    await inspect(page, 'offline');
    await context.setOffline(false);
    await page.getByText('You are offline.').waitFor({ state: 'detached' });
    await page.locator('[data-connection=live]').waitFor();
  });

  // A reload keeps the session; several tabs at once share it.
  await page.reload();
  await becomes(page, '184.36');
  const other = await tab(context);
  await Promise.all([page.reload(), other.goto(PAGE)]);
  await Promise.all([page.reload(), other.reload()]);
  await Promise.all([becomes(page, '184.36'), becomes(other, '184.36')]);
  await Promise.all([go(page, 'Account'), go(other, 'Account')]);
  told.member = await other.getByText('M-1001').innerText();
  await inspect(page, 'account');
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Name').fill('Ann B. Example');
  await inspect(page, 'edit');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Your profile is saved.').waitFor();
  await other.getByText('Ann B. Example').waitFor();

  // Where the member is reached changes after a code that went to where it was reached before; then it is told there.
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Mobile').fill('+441632960001');
  const sent = messages().length;
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByLabel('Code').waitFor();
  await until(() => messages().length > sent, 'a code for the address');
  await inspect(page, 'address code');
  await page.getByLabel('Code').fill(messages().at(-1).code);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Your profile is saved.').waitFor();
  await other.getByText('+441632960001').waitFor();

  // The answer to a redemption is lost on its way: the server has taken the points, the page does not know.
  await go(page, 'Redeem');
  let dropped = 0;
  await page.route(`${API}/graphql`, async (route) => {
    if (!route.request().postData()?.includes('pointsRedeem') || dropped > 0) return route.fallback();
    dropped += 1;
    await route.fetch();
    await route.abort();
  });
  await brought(/Failed to load resource|net::ERR_FAILED/, async () => {
    await page.getByLabel('How many points?').fill('20');
    await page.getByRole('button', { name: 'Redeem 20 points' }).click();
    told.lost = await page.locator('.notice.problem').innerText();
  });
  await inspect(page, 'lost');
  // It outlives the page, and another tab knows of it as well.
  await page.reload();
  await go(other, 'Redeem');
  await other.getByText('We do not know yet').waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  told.retried = await page.locator('.notice.done').innerText();
  await go(page, 'Home');
  await becomes(page, '164.36');
  told.dropped = dropped;
  const ledger = await shop('{member(reference: "M-1001") {ledger(first: 50) {edges {node {kind points}}}}}');
  told.redemptions = ledger.member.ledger.edges.map((one) => one.node).filter((one) => one.kind === 'REDEMPTION').map((one) => one.points);

  // Signing out here signs out everywhere in this browser, and the server knows.
  await go(page, 'Account');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('You are signed out.').waitFor();
  await other.getByText('You are signed out.').waitFor();
  told.leftBehind = await page.evaluate(() => localStorage.getItem('tessera.session'));
  // The page does not wait for the server's answer.
  const sessions = async () => (await shop('{memberSessions(relationReference: "M-1001") {id}}')).memberSessions;
  await until(async () => (await sessions()).length === 0, 'the end of the session');
  await inspect(page, 'signed out');
  await other.close();

  // A mailed link signs in. A session that the server ends is over here, without a reload. On a wide and dark screen.
  const desk = await person({ width: 1280, height: 800 }, 'dark');
  const wide = await tab(desk);
  await wide.goto(await link());
  told.address = wide.url();
  await inspect(wide, 'dark sign in');
  await wide.getByRole('button', { name: 'Sign in with the link' }).click();
  await becomes(wide, '164.36');
  await wide.locator('[data-connection=live]').waitFor();
  for (const screen of ['Home', 'Activity', 'Redeem', 'Account']) {
    await go(wide, screen);
    await inspect(wide, `dark ${screen}`);
  }
  await shop('mutation {sessionRevoke(input: {relationReference: "M-1001", all: true}) {revoked}}');
  await wide.getByText('Your session is over.').waitFor();
  told.ended = true;

  // Whoever asks for too many codes is told how long to wait; the same for a name that nobody has.
  await wide.getByRole('button', { name: 'Sign in with a code' }).click();
  await wide.getByLabel('E-mail address or member number').fill('M-9999');
  await wide.getByRole('button', { name: 'Send me a code' }).click();
  const status = wide.getByRole('status');
  for (let sent = 1; sent < 6; sent += 1) {
    const answer = wide.waitForResponse((response) => response.url() === `${API}/graphql`);
    await wide.getByRole('button', { name: 'Send another code' }).click();
    await answer;
  }
  await status.getByText('many codes').waitFor();
  told.tooOften = await status.innerText();
} finally {
  await browser.close();
}
console.log(JSON.stringify({ ...told, ...seen, hosts: [...seen.hosts].sort() }));
