// Asking the user on another device (CIBA), and exchanges that wait for the user, with Auth0's SDKs unmodified.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { AuthClient } from '@auth0/auth0-auth-js';
import { accessibilityProblems, keepScreenshot, launch, needsChromium, open } from './chromium.mjs';
import { World, domain, expect, grantTypes, issuer, manage } from './vault.mjs';

// Its ES modules import without file extensions, which Node refuses; its CommonJS build is the one that runs.
const require = createRequire(import.meta.url);
const { AsyncAuthorizerBase, getAsyncAuthorizationCredentials } = require('@auth0/ai/AsyncAuthorization');
const { TokenVaultAuthorizerBase, getAccessTokenFromTokenVault } = require('@auth0/ai/TokenVault');
const { AccessDeniedInterrupt, AuthorizationPendingInterrupt, TokenVaultInterrupt } = require('@auth0/ai/interrupts');
const { MemoryStore } = require('@auth0/ai/stores');

const ciba = 'urn:openid:params:grant-type:ciba';
const payment = [{ type: 'payment', amount: { value: '12.50', currency: 'EUR' } }];

let world;
let tokens;

before(async () => {
  world = await World.create({ app: { grant_types: [grantTypes.code, grantTypes.refresh, grantTypes.exchange, ciba] } });
  tokens = await world.signIn();
});

after(() => world?.close());

const answer = (consent) => ({ username: world.user.email, password: world.password, consent });

/** The links in the user's list, where requests are found without any channel. */
async function waiting() {
  const { text } = await world.browser.open(`${issuer}approvals`);
  return [...text.matchAll(/href="\/(approvals\/[^"]+)"/g)].map(([, path]) => issuer + path);
}

/** A tool that calls an API as the user, once the user has approved. */
function askingTool(bindingMessage, more = {}) {
  const authorizer = new AsyncAuthorizerBase(
    { domain, clientId: world.app.client_id, clientSecret: world.app.client_secret },
    {
      userID: async () => world.user.user_id,
      bindingMessage: async () => bindingMessage,
      scopes: ['openid', 'read:things'],
      audience: world.api.identifier,
      authorizationDetails: async () => payment,
      store: new MemoryStore(),
      ...more,
    });
  return authorizer.protect(
    () => ({ threadID: 'thread', toolName: 'order', toolCallID: bindingMessage }),
    async () => getAsyncAuthorizationCredentials().accessToken);
}

test('auth0-ai interrupts while the user has not answered, and goes on with what they approved', async () => {
  const tool = askingTool('Order 17');
  await assert.rejects(tool(), (error) => {
    assert.ok(error instanceof AuthorizationPendingInterrupt, `${error}`);
    assert.equal(error.code, 'ASYNC_AUTHORIZATION_AUTHORIZATION_PENDING');
    assert.equal(error.request.interval, 5);
    assert.equal(error.request.expiresIn, 300);
    return true;
  });

  const [link] = await waiting();
  const page = await world.browser.open(link);
  assert.match(page.text, /Order 17/);
  assert.match(page.text, /<dt>value<\/dt><dd>12\.50<\/dd>/);
  assert.match(await world.browser.settle(link, { answer: answer('allow') }), /^Approved/);

  const claims = JSON.parse(Buffer.from((await tool()).split('.')[1], 'base64url'));
  assert.equal(claims.sub, world.user.user_id);
  assert.deepEqual(claims.authorization_details, payment);
  assert.equal(claims.scope, 'openid read:things');
  assert.deepEqual(await waiting(), []);
});

test('auth0-ai hears that the user denied', async () => {
  const denied = askingTool('Order 18');
  await assert.rejects(denied());
  const [link] = await waiting();
  assert.match(await world.browser.settle(link, { answer: answer('deny') }), /^Denied/);
  const outcome = await denied();
  assert.ok(outcome instanceof AccessDeniedInterrupt, `${outcome}`);
  assert.equal(outcome.code, 'ASYNC_AUTHORIZATION_ACCESS_DENIED');
});

test('auth0-ai polls until the user approves', async () => {
  const tool = askingTool('Order 19', {
    onAuthorizationRequest: async () => {
      const [link] = await waiting();
      await world.browser.settle(link, { answer: answer('allow') });
    },
  });
  assert.equal((await tool()).split('.').length, 3);
});

test('auth0-auth-js asks and polls', async () => {
  const auth = new AuthClient({ domain, clientId: world.app.client_id, clientSecret: world.app.client_secret });
  const begun = await auth.initiateBackchannelAuthentication({
    bindingMessage: 'Order 20',
    loginHint: { sub: world.user.user_id },
    authorizationDetails: payment,
  });
  const [link] = await waiting();
  await world.browser.settle(link, { answer: answer('allow') });
  const granted = await auth.backchannelAuthenticationGrant({ authReqId: begun.authReqId });
  assert.equal(granted.claims.sub, world.user.user_id);
  assert.deepEqual(granted.authorizationDetails, payment);
  await assert.rejects(auth.backchannelAuthenticationGrant({ authReqId: begun.authReqId }), (error) => error.cause.error === 'invalid_grant');

  await assert.rejects(
    auth.initiateBackchannelAuthentication({ bindingMessage: 'Order 21', loginHint: { sub: 'auth0|nobody' } }),
    (error) => error.cause.error === 'unknown_user_id');
});

test('auth0-ai interrupts a tool of the vault while the exchange waits for the user, and runs it afterwards', async () => {
  await world.connect(tokens.refresh_token);
  await manage(200, 'PATCH', `connections/${world.connection.id}`, { connected_accounts: { active: true, approval: { required: true } } });
  const authorizer = new TokenVaultAuthorizerBase(
    { domain, clientId: world.app.client_id, clientSecret: world.app.client_secret },
    { connection: world.connection.name, scopes: ['files:read'], store: new MemoryStore(), refreshToken: async () => tokens.refresh_token });
  const tool = authorizer.protect(
    () => ({ threadID: 'thread', toolName: 'whoami', toolCallID: 'call' }),
    async () => (await world.upstream.callApi(getAccessTokenFromTokenVault())).body);
  await assert.rejects(tool(), (error) => {
    assert.ok(error instanceof TokenVaultInterrupt, `${error}`);
    assert.equal(error.code, 'TOKEN_VAULT_ERROR');
    return true;
  });

  const pending = await world.exchange(tokens.refresh_token);
  assert.equal(pending.status, 400);
  assert.equal(pending.body.error, 'authorization_pending');
  assert.equal(pending.body.reason, 'approval_required');
  assert.equal(pending.headers.get('retry-after'), '5');
  assert.deepEqual(await waiting(), [pending.body.approval_uri]);
  assert.match(await world.browser.settle(pending.body.approval_uri, { answer: answer('allow') }), /^Approved/);
  assert.equal((await tool()).id, 'upstream-user-1');
});

for (const [decision, options] of [['Approve', { javaScript: false }], ['Deny', { width: 320, height: 568, colorScheme: 'dark' }]]) {
  test(`a person answers: ${decision}, ${JSON.stringify(options)}`, needsChromium, async () => {
    const asking = await World.create({ app: { grant_types: [grantTypes.code, ciba] } });
    const begun = await expect(200, 'POST', 'bc-authorize', {
      form: {
        client_id: asking.app.client_id,
        client_secret: asking.app.client_secret,
        scope: 'openid read:things',
        audience: asking.api.identifier,
        binding_message: 'Order 22',
        authorization_details: JSON.stringify([{ ...payment[0], note: '<img src=x onerror=alert(1)>', to: ['a-creditor-with-a-very-long-name-'.repeat(8)] }]),
        login_hint: JSON.stringify({ format: 'iss_sub', iss: issuer, sub: asking.user.user_id }),
      },
    });
    const browser = await launch();
    try {
      const { page, problems, close } = await open(browser, options);
      await page.goto(begun.approval_uri);
      await page.getByLabel('E-mail or user name').fill(asking.user.email);
      await page.getByLabel('Password').fill(asking.password);
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByRole('heading', { name: `Approve what ${asking.app.name} asks?` }).waitFor();
      assert.equal(await page.locator('#message').innerText(), 'Order 22');
      assert.match(await page.locator('dl').first().innerText(), /<img src=x onerror=alert\(1\)>/);
      if (options.javaScript !== false) {
        assert.deepEqual(await accessibilityProblems(page), []);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
      }

      await keepScreenshot(page, `approval${options.width ? '-phone' : ''}${options.javaScript === false ? '-no-script' : ''}`);
      await page.getByRole('button', { name: decision }).click();
      await page.getByRole('heading', { name: decision === 'Approve' ? 'Approved' : 'Denied' }).waitFor();
      assert.deepEqual(problems, []);
      await close();
    } finally {
      await browser.close();
      await asking.close();
    }
  });
}
