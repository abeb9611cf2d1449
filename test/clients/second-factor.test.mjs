// The pages of the second factor in a real browser: an authenticator app without JavaScript, and a passkey with it.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import * as oauth from 'openid-client';
import { Application } from './application.mjs';
import { accessibilityProblems, keepScreenshot, launch, needsChromium, open } from './chromium.mjs';
import { World, redirectUri } from './vault.mjs';

const multiFactor = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor';

let browser, application;

before(async () => {
  if (needsChromium.skip) {
    return;
  }

  application = await Application.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await application?.stop();
});

for (const javaScript of [true, false]) {
  test(`an authenticator app and its recovery codes, ${javaScript ? 'with' : 'without'} JavaScript`, needsChromium, async () => {
    const world = await newWorld();
    const { page, problems, close } = await open(browser, { javaScript });
    await check(page, javaScript, () => comeToFactor(page, world));
    assert.equal(await page.title(), 'Set up a second step');
    assert.ok(await page.getByRole('img', { name: 'QR code for an authenticator app' }).isVisible());
    assert.equal(await page.getByRole('button', { name: 'Set up a passkey instead' }).isVisible(), javaScript);
    await keepScreenshot(page, `second-factor-set-up${javaScript ? '' : '-no-script'}`);

    const key = (await page.locator('#key').innerText()).replaceAll(' ', '');
    await check(page, javaScript, () => enter(page, 'Code', 'not it'));
    assert.match(await page.getByRole('alert').first().innerText(), /wrong/);
    await check(page, javaScript, () => enter(page, 'Code', totp(key)));
    const codes = await page.locator('#codes li').allInnerTexts();
    assert.equal(codes.length, 10);
    await keepScreenshot(page, 'second-factor-recovery-codes');
    await page.getByRole('link', { name: /continue/ }).click();
    assert.ok((await application.arrival(page)).get('code'));
    await close();

    // Another browser, and the device is lost.
    const other = await open(browser, { javaScript, width: 320, height: 568, colorScheme: 'dark' });
    await check(other.page, javaScript, () => comeToFactor(other.page, world));
    assert.equal(await other.page.title(), 'Confirm that it is you');
    await keepScreenshot(other.page, `second-factor-phone${javaScript ? '' : '-no-script'}`);
    assert.ok(!javaScript || await other.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    await check(other.page, javaScript, () => other.page.getByRole('link', { name: /recovery code/ }).click());
    await check(other.page, javaScript, () => enter(other.page, 'Recovery code', codes[0]));
    assert.match(await other.page.getByRole('main').innerText(), /9 recovery codes left/);
    await other.page.getByRole('link', { name: 'Continue without' }).click();
    assert.ok((await application.arrival(other.page)).get('code'));
    assert.deepEqual([...problems, ...other.problems], []);
    await other.close();
    await world.close();
  });
}

test('a passkey, made and used', needsChromium, async () => {
  const world = await newWorld();
  const { page, problems, close } = await open(browser);
  const devices = await page.context().newCDPSession(page);
  await devices.send('WebAuthn.enable');
  await devices.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await comeToFactor(page, world);
  await page.getByRole('button', { name: 'Set up a passkey instead' }).click();
  await page.waitForSelector('#codes');
  await page.getByRole('link', { name: /continue/ }).click();
  assert.ok((await application.arrival(page)).get('code'));

  await page.context().clearCookies();
  await comeToFactor(page, world);
  assert.equal(await page.title(), 'Confirm that it is you');
  assert.equal(await page.getByLabel('Code').count(), 0);
  assert.deepEqual(await accessibilityProblems(page), []);
  await keepScreenshot(page, 'second-factor-passkey');
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  assert.ok((await application.arrival(page)).get('code'));
  assert.deepEqual(problems, []);
  await close();
  await world.close();
});

function newWorld() {
  return World.create({ app: { callbacks: [redirectUri, application.callback] } });
}

async function comeToFactor(page, world) {
  const url = oauth.buildAuthorizationUrl(world.config, {
    redirect_uri: application.callback,
    scope: 'openid',
    state: oauth.randomState(),
    acr_values: multiFactor,
    code_challenge: await oauth.calculatePKCECodeChallenge(oauth.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
  });
  await page.goto(url.href);
  await page.getByLabel('E-mail or user name').fill(world.user.email);
  await page.getByLabel('Password').fill(world.password);
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
}

async function enter(page, label, code) {
  await page.getByLabel(label, { exact: true }).fill(code);
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
}

/** Does a step, and looks at the page that it leads to. */
async function check(page, javaScript, step) {
  await step();
  await page.waitForLoadState();
  if (javaScript) {
    assert.deepEqual(await accessibilityProblems(page), []);
  }
}

/** RFC 6238, from the key as the page shows it. */
function totp(key) {
  const bits = [...key].map((character) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(character).toString(2).padStart(5, '0')).join('');
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac('sha1', Buffer.from(bits.match(/.{8}/g).map((octet) => parseInt(octet, 2)))).update(counter).digest();
  return String((mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
