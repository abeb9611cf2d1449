// Every page that a person meets, in a real browser: with and without JavaScript, by keyboard, small and dark.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'openid-client';
import { Application } from './application.mjs';
import { accessibilityProblems, keepScreenshot, launch, needsChromium, open } from './chromium.mjs';
import { World, redirectUri } from './vault.mjs';

let browser, application, world, thirdParty;

before(async () => {
  if (needsChromium.skip) {
    return;
  }

  application = await Application.start();
  browser = await launch();
  world = await World.create({ app: { callbacks: [redirectUri, application.callback] } });
  thirdParty = await World.create({ app: { callbacks: [redirectUri, application.callback], is_first_party: false } });
});

after(async () => {
  await browser?.close();
  await application?.stop();
  await world?.close();
  await thirdParty?.close();
});

for (const javaScript of [true, false]) {
  const how = javaScript ? 'with JavaScript' : 'without JavaScript';

  test(`sign-in, a wrong password first, ${how}`, needsChromium, async () => {
    const { page, problems, close } = await open(browser, { javaScript });
    await page.goto(await authorizationUrl(world));
    assert.equal(await page.title(), 'Sign in');
    await keepScreenshot(page, `sign-in${javaScript ? '' : '-no-script'}`);

    await signIn(page, world, 'not the password');
    assert.match(await page.getByRole('alert').innerText(), /Wrong user name or password/);
    assert.equal(await page.getByLabel('E-mail or user name').inputValue(), world.user.email);
    await keepScreenshot(page, `sign-in-refused${javaScript ? '' : '-no-script'}`);

    await signIn(page, world);
    assert.ok((await application.arrival(page)).get('code'));
    assert.deepEqual(problems, []);
    await close();
  });

  test(`connecting an account, ${how}`, needsChromium, async () => {
    const { page, problems, close } = await open(browser, { javaScript });
    await page.goto(await authorizationUrl(world));
    await signIn(page, world);
    const tokens = await world.signIn();
    const { token, started, link } = await beginConnect(tokens);

    await page.goto(link);

    const back = await application.arrival(page);
    assert.equal(back.get('state'), started.state);
    const account = await application.complete(world, token, started, back.get('connect_code'));
    assert.match(account.id, /^cac_/);
    assert.deepEqual(problems, []);
    await close();
  });
}

for (const [decision, options] of [['Deny', { javaScript: false }], ['Deny', { width: 320, height: 568, colorScheme: 'dark' }], ['Allow', {}]]) {
  test(`consent: ${decision}, ${JSON.stringify(options)}`, needsChromium, async () => {
    const { page, problems, close } = await open(browser, options);
    await page.goto(await authorizationUrl(thirdParty));
    await signIn(page, thirdParty);
    await page.getByRole('heading', { name: `Allow ${thirdParty.app.name}?` }).waitFor();
    const asked = page.getByRole('list', { name: `${thirdParty.app.name} asks for access` });
    assert.match(await asked.innerText(), /Read things\s+read:things/);
    assert.match(await asked.innerText(), /Know who you are\s+openid/);
    if (options.javaScript !== false) {
      assert.deepEqual(await accessibilityProblems(page), []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    }

    await keepScreenshot(page, `consent${options.width ? '-phone' : ''}${options.javaScript === false ? '-no-script' : ''}`);

    await page.getByRole('button', { name: decision }).click();

    const back = await application.arrival(page);
    assert.equal(back.get('error'), decision === 'Deny' ? 'access_denied' : null);
    assert.equal(back.has('code'), decision === 'Allow');
    assert.deepEqual(problems, []);
    await close();
  });
}

test('sign-in by keyboard alone', needsChromium, async () => {
  const { page, close } = await open(browser);
  await page.goto(await authorizationUrl(world));
  const focused = () => page.evaluate(() => document.activeElement.name ?? document.activeElement.textContent);
  assert.equal(await focused(), 'username');
  await page.keyboard.type(world.user.email);
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'password');
  await page.keyboard.type(world.password);
  await page.keyboard.press('Enter');
  assert.ok((await application.arrival(page)).get('code'));
  await close();
});

for (const [name, options] of Object.entries({
  light: {}, dark: { colorScheme: 'dark' }, phone: { width: 320, height: 568 }, 'dark-phone': { width: 320, height: 568, colorScheme: 'dark' },
})) {
  test(`the sign-in page is accessible and does not scroll sideways: ${name}`, needsChromium, async () => {
    const { page, problems, close } = await open(browser, options);
    await page.goto(await authorizationUrl(world));
    await signIn(page, world, 'not the password');
    assert.deepEqual(await accessibilityProblems(page), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
    await keepScreenshot(page, `sign-in-refused-${name}`);
    assert.deepEqual(problems, []);
    await close();
  });
}

const errors = {
  'an unknown application': { status: 400, url: async () => change(await authorizationUrl(world), { client_id: 'unknown' }) },
  'a redirect URI that is not registered': { status: 400, url: async () => change(await authorizationUrl(world), { redirect_uri: 'https://evil.example/' }) },
  'a sign-in page without its state': { status: 400, url: async () => `${world.config.serverMetadata().issuer}u/login?state=made-up` },
  'a connect link that nobody made': { status: 400, url: async () => `${world.config.serverMetadata().issuer}connected-accounts/connect?ticket=made-up` },
  'a callback that nobody waits for': { status: 400, url: async () => `${world.config.serverMetadata().issuer}login/callback/${world.connection.name}?code=x&state=y` },
};

for (const [name, { status, url }] of Object.entries(errors)) {
  test(`the page for ${name}`, needsChromium, async () => {
    const { page, problems, close } = await open(browser);
    const response = await page.goto(await url());
    assert.equal(response.status(), status);
    assert.notEqual((await page.getByRole('alert').innerText()).trim(), '');
    assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1);
    assert.deepEqual(await accessibilityProblems(page), []);
    await keepScreenshot(page, `error-${name.replaceAll(' ', '-')}`);
    assert.deepEqual(problems, []);
    await close();
  });
}

test("a connect link that is used already, and one that is another user's", needsChromium, async () => {
  const tokens = await world.signIn();
  const { link } = await beginConnect(tokens);
  const { page, close } = await open(browser);
  await page.goto(await authorizationUrl(thirdParty));
  await signIn(page, thirdParty);
  await page.waitForURL((url) => !url.pathname.startsWith('/u/login'));

  const refused = await page.goto(link);
  assert.equal(refused.status(), 403);
  assert.match(await page.getByRole('heading').innerText(), /another user/);
  assert.deepEqual(await accessibilityProblems(page), []);
  await keepScreenshot(page, 'error-another-users-link');
  await close();

  const own = await open(browser);
  await own.page.goto(await authorizationUrl(world));
  await signIn(own.page, world);
  await application.arrival(own.page);
  await own.page.goto(link);
  await application.arrival(own.page);
  const again = await own.page.goto(link);
  assert.equal(again.status(), 400);
  await keepScreenshot(own.page, 'error-used-link');
  await own.close();
});

test('the pages refuse scripts, frames and foreign content', needsChromium, async () => {
  const { page, close } = await open(browser);
  const response = await page.goto(await authorizationUrl(world));
  const policy = response.headers()['content-security-policy'];
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval/);

  // What an injection would try.
  const ran = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'window.injected = true';
    document.body.append(script);
    const image = new Image();
    const blocked = new Promise((resolve) => { image.onerror = () => resolve(true); image.onload = () => resolve(false); });
    image.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=';
    return { injected: window.injected === true, imageBlocked: await blocked };
  });
  assert.deepEqual(ran, { injected: false, imageBlocked: true });
  await close();
});

async function authorizationUrl(of) {
  const verifier = oauth.randomPKCECodeVerifier();
  return oauth.buildAuthorizationUrl(of.config, {
    redirect_uri: application.callback,
    scope: 'openid profile email offline_access read:things',
    audience: of.api.identifier,
    state: oauth.randomState(),
    nonce: oauth.randomNonce(),
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).href;
}

function change(url, parameters) {
  const changed = new URL(url);
  Object.entries(parameters).forEach(([name, value]) => changed.searchParams.set(name, value));
  return changed.href;
}

async function signIn(page, of, password = of.password) {
  await page.getByLabel('E-mail or user name').fill(of.user.email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
}

async function beginConnect(tokens) {
  const token = await world.myAccountToken(tokens.refresh_token);
  const started = await world.startConnect(token, { redirectUri: application.callback });
  return { token, started, link: `${started.connect_uri}?ticket=${encodeURIComponent(started.connect_params.ticket)}` };
}

for (const javaScript of [true, false]) {
  test(`the API reference ${javaScript ? 'with' : 'without'} JavaScript`, needsChromium, async () => {
    const { page, problems, close } = await open(browser, { javaScript });
    const response = await page.goto(`${world.config.serverMetadata().issuer}docs/api`);
    assert.equal(response.status(), 200);
    const operation = page.locator('#getClientsId');
    await operation.locator('summary').click();
    assert.ok(await operation.getByText('refresh_token.policies.audience').isVisible());
    if (javaScript) {
      assert.deepEqual(await accessibilityProblems(page), []);
    }

    await keepScreenshot(page, 'api-reference');
    assert.deepEqual(problems, []);
    await close();
  });
}
