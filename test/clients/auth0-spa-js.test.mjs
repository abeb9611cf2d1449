// Auth0's SDK for single-page applications, unmodified, in a real browser: what it does with a vault, from a page of another origin.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { launch, needsChromium, open } from './chromium.mjs';
import { World, connectedAccountScopes, domain, grantTypes, myAccount } from './vault.mjs';

const sdk = await readFile(createRequire(import.meta.url).resolve('@auth0/auth0-spa-js/dist/auth0-spa-js.production.js'));

let application;
let base;
let world;
let browser;
let window;

/** What every client in the page has beside the usual. */
let always = {};

before(async () => {
  if (needsChromium.skip) {
    return;
  }

  // Over HTTPS, as browsers take a page without it for another site, whose frames do not see the server's cookies.
  const pem = execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', '-', '-out', '-',
  ], { stdio: ['ignore', 'pipe', 'ignore'] });
  application = createServer({ key: pem, cert: pem }, (request, response) => (request.url === '/sdk.js'
    ? response.setHeader('content-type', 'text/javascript').end(sdk)
    : response.setHeader('content-type', 'text/html').end('<!doctype html><html lang="en"><title>Application</title><script src="/sdk.js"></script>')));
  application.listen(0, '127.0.0.1');
  await once(application, 'listening');
  base = `https://localhost:${application.address().port}`;
  world = await World.create({
    app: {
      app_type: 'spa',
      token_endpoint_auth_method: 'none',
      callbacks: [base],
      web_origins: [base],
      allowed_logout_urls: [signedOut()],
      grant_types: [grantTypes.code, grantTypes.refresh],
      refresh_token: {
        rotation_type: 'rotating',
        expiration_type: 'expiring',
        policies: [{ audience: myAccount, scope: connectedAccountScopes }],
      },
    },
  });
  browser = await launch();
  window = await open(browser);
  await window.page.goto(base);
});

after(async () => {
  await browser?.close();
  await world?.close();
  application?.closeAllConnections();
  application?.close();
});

/** Runs `act(client, given)` in the page, with a client of these options. */
function inPage(act, given = {}, options = {}) {
  const settings = {
    domain,
    clientId: world.app.client_id,
    useRefreshTokens: true,
    useMrrt: true,
    cacheLocation: 'localstorage',
    authorizationParams: { redirect_uri: base, audience: world.api.identifier, scope: 'openid profile email offline_access' },
    ...always,
    ...options,
  };
  return window.page.evaluate(
    ([text, from, argument]) => (0, eval)(`(${text})`)(new auth0.Auth0Client(from), argument),
    [act.toString(), settings, given]);
}

/** Goes where `act` leads, and comes back to the application: what the SDK makes of that. */
async function leave(act, given, answer = async () => {}) {
  await Promise.all([window.page.waitForURL((url) => url.origin !== base || url.search !== ''), navigating(inPage(act, given))]);
  await answer(window.page);
  await window.page.waitForURL((url) => url.href.startsWith(`${base}/?`));
  return inPage((client) => client.handleRedirectCallback().catch(({ error, message }) => ({ error, message })));
}

/** The page may be gone before the script in it has ended. */
function navigating(script) {
  return script.catch((error) => assert.match(error.message, /context was destroyed|navigation/i));
}

async function signIn(page) {
  await page.getByLabel('E-mail or user name').fill(world.user.email);
  await page.getByLabel('Password').fill(world.password);
  await page.getByRole('button', { name: 'Continue' }).click();
}

const listAccounts = async (client, { audience, scope, url, dpopNonceId }) => {
  const fetcher = client.createFetcher({ dpopNonceId, getAccessToken: () => client.getTokenSilently({ authorizationParams: { audience, scope } }) });
  const response = await fetcher.fetchWithAuth(url);
  return { status: response.status, body: await response.json() };
};
const accountsOf = (dpopNonceId) =>
  inPage(listAccounts, { audience: myAccount, scope: connectedAccountScopes[1], url: `${myAccount}v1/connected-accounts/accounts`, dpopNonceId });

test('auth0-spa-js signs a user in', needsChromium, async () => {
  const result = await leave((client) => client.loginWithRedirect(), {}, signIn);
  assert.equal(result.error, undefined, JSON.stringify(result));
  const user = await inPage((client) => client.getUser());
  assert.equal(user.sub, world.user.user_id);
});

test('auth0-spa-js connects an account and comes back with it', needsChromium, async () => {
  await window.page.goto(base);
  const result = await leave(
    (client, { connection }) => client.connectAccountWithRedirect({ connection, scopes: ['openid', 'profile', 'offline_access', 'files:read'], appState: { at: 'settings' } }),
    { connection: world.connection.name });
  assert.equal(result.response_type, 'connect_code');
  assert.equal(result.connection, world.connection.name);
  assert.match(result.id, /^cac_/);
  assert.deepEqual(result.appState, { at: 'settings' });
});

test('auth0-spa-js calls the My Account API across origins', needsChromium, async () => {
  const { status, body } = await accountsOf();
  assert.equal(status, 200);
  assert.deepEqual(body.accounts.map(({ connection }) => connection), [world.connection.name]);
});

test('its API exchanges the access token that auth0-spa-js got', needsChromium, async () => {
  const token = await inPage((client) => client.getTokenSilently());
  const answer = await world.exchangeAccessToken(token);
  assert.equal(answer.status, 200, answer.text);
  assert.equal((await world.upstream.callApi(answer.body.access_token)).body.id, 'upstream-user-1');
});

test('auth0-spa-js comes back with what the provider refused', needsChromium, async () => {
  await window.page.goto(base);
  world.upstream.decision = 'deny';
  try {
    const result = await leave((client, { connection }) => client.connectAccountWithRedirect({ connection }), { connection: world.connection.name });
    assert.equal(result.error, 'access_denied', JSON.stringify(result));
  } finally {
    world.upstream.decision = 'allow';
  }
});

test('auth0-spa-js renews its session in a frame, without a refresh token', needsChromium, async () => {
  await window.page.goto(base);
  const token = await inFrame();
  assert.equal(JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).sub, world.user.user_id);
});

test('auth0-spa-js revokes its refresh token, and signs out', needsChromium, async () => {
  await inPage((client) => client.revokeRefreshToken());
  await Promise.all([
    window.page.waitForURL(signedOut()),
    navigating(inPage((client, { returnTo }) => client.logout({ logoutParams: { returnTo } }), { returnTo: signedOut() })),
  ]);
  assert.equal(await inFrame(), 'login_required');
});

test('auth0-spa-js signs in, connects and lists with tokens that are bound to its key (DPoP)', needsChromium, async () => {
  await window.close();
  window = await open(browser);
  always = { useDpop: true };
  await window.page.goto(base);
  const signedIn = await leave((client) => client.loginWithRedirect(), {}, signIn);
  assert.equal(signedIn.error, undefined, JSON.stringify(signedIn));
  await window.page.goto(base);
  const connected = await leave((client, { connection }) => client.connectAccountWithRedirect({ connection }), { connection: world.connection.name });
  assert.equal(connected.connection, world.connection.name, JSON.stringify(connected));
  const token = await inPage((client) => client.getTokenSilently());
  assert.ok(JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).cnf.jkt);
  assert.deepEqual((await accountsOf('dpop')).body.accounts.map(({ id }) => id), [connected.id]);
});

const signedOut = () => `${base}/?signed-out=1`;

const inFrame = () => inPage(
  (client) => client.getTokenSilently({ cacheMode: 'off' }).catch(({ error, message }) => error ?? message), {},
  { useRefreshTokens: false, useMrrt: false, cacheLocation: 'memory' });
