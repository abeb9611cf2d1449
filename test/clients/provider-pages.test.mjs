// The ways that lead through a provider, as a person goes them in a real browser: signing in by a button, the page of a connect link,
// and what they see when it goes wrong.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'openid-client';
import { Application } from './application.mjs';
import { Browser } from './browser.mjs';
import { accessibilityProblems, keepScreenshot, launch, needsChromium, open } from './chromium.mjs';
import { World, expect, manage, redirectUri } from './vault.mjs';

const phone = { width: 320, height: 568 };

let browser, application, world, label;

before(async () => {
  if (needsChromium.skip) {
    return;
  }

  application = await Application.start();
  browser = await launch();
  world = await World.create({ app: { callbacks: [redirectUri, application.callback] }, signIn: true });
  label = 'Acme Files';
  await manage(200, 'PATCH', `connections/${world.connection.id}`, { display_name: label, show_as_button: true });
});

after(async () => {
  await browser?.close();
  await application?.stop();
  await world?.close();
});

for (const javaScript of [true, false]) {
  const how = javaScript ? 'with JavaScript' : 'without JavaScript';
  const suffix = javaScript ? '' : '-no-script';

  test(`signing in by a connection's button, ${how}`, needsChromium, async () => {
    const { page, problems, close } = await open(browser, { javaScript });
    await page.goto(await authorizationUrl());
    await check(page, `sign-in-buttons${suffix}`, javaScript);

    await button().click();

    assert.ok((await application.arrival(page)).get('code'));
    assert.deepEqual(problems, []);
    await close();

    function button() {
      return page.getByRole('navigation', { name: 'Other ways to sign in' }).getByRole('link', { name: `Continue with ${label}` });
    }
  });

  test(`T-CF-13 the page of a connect link says for whom, to whom and what, ${how}`, needsChromium, async () => {
    const { token, started, link } = await beginConnect();
    const { page, problems, close } = await open(browser, { javaScript });
    await page.goto(link);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), `Connect your account at ${label}?`);
    const text = await page.locator('main').innerText();
    for (const told of [world.user.email, world.app.name, label, 'files:read']) {
      assert.ok(text.includes(told), told);
    }

    await check(page, `connect${suffix}`, javaScript);
    await page.getByRole('link', { name: `I am ${world.user.email}: continue to ${label}` }).click();

    const back = await application.arrival(page);
    assert.equal(back.get('state'), started.state);
    assert.match((await application.complete(world, token, started, back.get('connect_code'))).id, /^cac_/);
    assert.deepEqual(problems, []);
    await close();
  });

  test(`T-CF-13 who is somebody else cancels, and nothing is connected, ${how}`, needsChromium, async () => {
    const { link } = await beginConnect();
    const { page, close } = await open(browser, { javaScript });
    await page.goto(link);
    await page.getByRole('link', { name: 'Cancel' }).click();
    const back = await application.arrival(page);
    assert.deepEqual([back.get('error'), back.has('connect_code')], ['access_denied', false]);

    const again = await page.goto(link);
    assert.equal(again.status(), 400);
    assert.match(await page.getByRole('alert').innerText(), /Go back to the application/);
    await check(page, `error-used-connect-link${suffix}`, javaScript);
    await close();
  });

  test(`a sign-in page that has expired, ${how}`, needsChromium, async () => {
    const { page, close } = await open(browser, { javaScript });
    await page.goto(await authorizationUrl());
    const target = await page.getByRole('link', { name: `Continue with ${label}` }).getAttribute('href');
    await page.context().clearCookies();
    const response = await page.goto(new URL(target, page.url()).href);
    assert.equal(response.status(), 400);
    assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1);
    await check(page, `error-expired-sign-in${suffix}`, javaScript);
    await close();
  });

  // Where the application can be told, it is: with a code for it and a sentence for the person.
  for (const [name, { fault, decision, error, sentence }] of Object.entries({
    'the user refuses': { decision: 'deny', error: 'access_denied', sentence: /provider did not/ },
    'the provider answers garbage': { fault: 'garbage', error: 'temporarily_unavailable', sentence: /provider is temporarily unavailable/ },
    'the provider is silent': { fault: 'silence', error: 'temporarily_unavailable', sentence: /provider is temporarily unavailable/ },
  })) {
    test(`${name}: signing in and connecting, ${how}`, needsChromium, async () => {
      Object.assign(world.upstream, { fault, decision: decision ?? 'allow' });
      try {
        const { link, token } = await beginConnect();
        const held = await accounts(token);
        await Promise.all(Object.entries({ 'sign-in': await authorizationUrl(), connect: link }).map(async ([leg, url]) => {
          const { page, close } = await open(browser, { javaScript });
          await page.goto(url);
          await page.getByRole('link', { name: /continue/i }).click();
          const back = await application.arrival(page);
          assert.deepEqual([back.get('error'), back.has('code'), back.has('connect_code')], [error, false, false], leg);
          assert.match(await page.getByRole('status').innerText(), sentence);
          assert.ok(back.get('state'));
          await keepScreenshot(page, `told-${name.replaceAll(' ', '-')}-${leg}${suffix}`);
          await close();
        }));
        assert.deepEqual(await accounts(token), held);
      } finally {
        Object.assign(world.upstream, { fault: undefined, decision: 'allow' });
      }
    });
  }

  test(`another user's identity cannot be linked away from them, ${how}`, needsChromium, async () => {
    // The provider's account is an identity of its own user, who has linked a second one: that user is not absorbed silently.
    const owner = await manage(201, 'POST', 'users', { connection: 'Username-Password-Authentication', email: `owner-${oauth.randomState()}@users.example`, password: world.password });
    world.upstream.user = `taken-${oauth.randomState()}`;
    try {
      await world.signIn({ connection: world.connection.name }, { browser: new Browser() });
      await manage(201, 'POST', `users/${encodeURIComponent(owner.user_id)}/identities`, { provider: 'oidc', user_id: `${world.connection.name}|${world.upstream.user}` });
      const { page, close } = await open(browser, { javaScript });
      const own = await world.signIn();
      await page.goto(await authorizationUrl({
        scope: 'openid link_account', requested_connection: world.connection.name, id_token_hint: own.id_token, audience: undefined,
      }));
      await page.getByLabel('E-mail or user name').fill(world.user.email);
      await page.getByLabel('Password').fill(world.password);
      await page.getByRole('button', { name: 'Continue', exact: true }).click();
      const back = await application.arrival(page);
      assert.deepEqual([back.get('error'), back.has('code')], ['access_denied', false]);
      assert.match(await page.getByRole('status').innerText(), /linked/);
      await keepScreenshot(page, `told-another-users-identity${suffix}`);
      await close();
      assert.deepEqual((await manage(200, 'GET', `users/${encodeURIComponent(world.user.user_id)}`)).identities.length, 1);
    } finally {
      world.upstream.user = 'upstream-user-1';
    }
  });
}

for (const [name, options] of Object.entries({ light: phone, dark: { ...phone, colorScheme: 'dark' } })) {
  test(`on a phone, the pages do not scroll sideways: ${name}`, needsChromium, async () => {
    const { link } = await beginConnect();
    for (const [shown, url] of [['sign-in-buttons', await authorizationUrl()], ['connect', link]]) {
      const { page, problems, close } = await open(browser, options);
      await page.goto(url);
      await check(page, `${shown}-phone-${name}`);
      assert.deepEqual(problems, []);
      await close();
    }
  });
}

/** Accessible, no wider than the window, and kept as a picture. Without JavaScript in the page axe has none to run either. */
async function check(page, name, scripts = true) {
  if (scripts) {
    assert.deepEqual(await accessibilityProblems(page), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), name);
  }

  await keepScreenshot(page, name);
}

async function authorizationUrl(changes = {}) {
  const wanted = {
    redirect_uri: application.callback,
    scope: 'openid profile email offline_access read:things',
    audience: world.api.identifier,
    state: oauth.randomState(),
    nonce: oauth.randomNonce(),
    code_challenge: await oauth.calculatePKCECodeChallenge(oauth.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
    ...changes,
  };
  return oauth.buildAuthorizationUrl(world.config, Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined))).href;
}

async function accounts(token) {
  return (await expect(200, 'GET', 'me/v1/connected-accounts/accounts', { token })).accounts;
}

async function beginConnect() {
  const tokens = await world.signIn();
  const token = await world.myAccountToken(tokens.refresh_token);
  const started = await world.startConnect(token, { redirectUri: application.callback });
  return { token, started, link: `${started.connect_uri}?ticket=${encodeURIComponent(started.connect_params.ticket)}` };
}
