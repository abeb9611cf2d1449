// Requests that do not begin in the user's browser, and sessions that do not end in it: SDKs as published, unmodified.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { AuthClient } from '@auth0/auth0-auth-js';
import { AuthenticationClient } from 'auth0/legacy';
import * as oauth from 'openid-client';
import { Browser } from './browser.mjs';
import { World, domain, issuer, manage, redirectUri } from './vault.mjs';

const require = createRequire(import.meta.url);
const { DeviceAuthorizerBase, getDeviceAuthorizerCredentials } = require('@auth0/ai/Device');
const { MemoryStore } = require('@auth0/ai/stores');

const scope = 'openid profile email offline_access read:things';

let world;
let television;

before(async () => {
  world = await World.create();
  television = await manage(201, 'POST', 'clients', {
    name: 'Television',
    app_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  });
});

after(() => world?.close());

const answer = () => ({ username: world.user.email, password: world.password });

/** The user opens the address that the device shows, signs in and allows it; the page that says so has no form. */
const allow = (uri) => assert.rejects(new Browser().visit(uri, { until: redirectUri, answer: answer() }), /Device connected/);

test('auth0-auth-js pushes its authorization request', async () => {
  const auth = new AuthClient({ domain, clientId: world.app.client_id, clientSecret: world.app.client_secret });
  const { authorizationUrl, codeVerifier } = await auth.buildAuthorizationUrl({
    pushedAuthorizationRequests: true,
    authorizationParams: { redirect_uri: redirectUri, audience: world.api.identifier, scope },
  });
  assert.match(authorizationUrl.searchParams.get('request_uri'), /^urn:ietf:params:oauth:request_uri:/);
  assert.equal(authorizationUrl.searchParams.get('scope'), null);

  const back = await world.browser.visit(authorizationUrl, { until: redirectUri, answer: answer() });
  assert.equal(back.searchParams.get('iss'), issuer);
  const tokens = await auth.getTokenByCode(back, { codeVerifier });
  assert.equal(tokens.claims.sub, world.user.user_id);
});

test('node-auth0 pushes an authorization request', async () => {
  const client = new AuthenticationClient({ domain, clientId: world.app.client_id, clientSecret: world.app.client_secret });
  const { data } = await client.oauth.pushedAuthorization({ client_id: world.app.client_id, response_type: 'code', redirect_uri: redirectUri, scope: 'openid' });
  assert.match(data.request_uri, /^urn:ietf:params:oauth:request_uri:/);
  assert.ok(data.expires_in <= 90);
});

test('openid-client pushes, and takes the answer with its issuer', async () => {
  const verifier = oauth.randomPKCECodeVerifier();
  const url = await oauth.buildAuthorizationUrlWithPAR(world.config, {
    redirect_uri: redirectUri,
    scope: 'openid',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const back = await world.browser.visit(url, { until: redirectUri, answer: answer() });
  const tokens = await oauth.authorizationCodeGrant(world.config, back, { pkceCodeVerifier: verifier });
  assert.equal(tokens.claims().sub, world.user.user_id);
});

test('openid-client gets tokens for a device', async () => {
  const config = await oauth.discovery(new URL(issuer), television.client_id, undefined, oauth.None());
  const started = await oauth.initiateDeviceAuthorization(config, { scope: 'openid offline_access' });
  await allow(started.verification_uri_complete);
  const tokens = await oauth.pollDeviceAuthorizationGrant(config, started);
  assert.equal(tokens.claims().sub, world.user.user_id);
  assert.ok(tokens.refresh_token);
});

test('auth0-ai lets a tool wait for the user of a device', async () => {
  const authorizer = new DeviceAuthorizerBase(
    { domain, clientId: television.client_id },
    { scopes: ['openid'], audience: world.api.identifier, store: new MemoryStore(), onAuthorizationRequest: 'interrupt' });
  const tool = authorizer.protect(
    () => ({ threadID: 'thread', toolName: 'watch', toolCallID: 'call' }),
    async () => getDeviceAuthorizerCredentials().accessToken);

  let interrupt;
  await assert.rejects(tool(), (error) => {
    interrupt = error;
    return error.code === 'DEVICE_AUTHORIZATION_PENDING';
  });
  await allow(interrupt.response.verificationUriComplete);
  assert.ok(await tool());
});

test('auth0-auth-js takes the logout token of a session that has ended', async () => {
  const received = [];
  const listener = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) {
      body += chunk;
    }

    received.push(new URLSearchParams(body).get('logout_token'));
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  try {
    await manage(200, 'PATCH', `clients/${world.app.client_id}`, {
      oidc_logout: { backchannel_logout_urls: [`http://127.0.0.1:${listener.address().port}/logout`] },
    });
    const browser = new Browser();
    const tokens = await world.signIn({}, { browser });
    const url = new URL('oidc/logout', issuer);
    url.search = new URLSearchParams({ id_token_hint: tokens.id_token });
    assert.equal((await browser.open(url)).status, 200);
    for (let waited = 0; received.length === 0 && waited < 10_000; waited += 50) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }

    const auth = new AuthClient({ domain, clientId: world.app.client_id, clientSecret: world.app.client_secret });
    const told = await auth.verifyLogoutToken({ logoutToken: received[0] });
    assert.equal(told.sid, tokens.claims().sid);
    assert.equal(told.sub, world.user.user_id);
  } finally {
    listener.close();
  }
});
