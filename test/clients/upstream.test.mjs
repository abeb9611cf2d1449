// The provider and the application library against each other, without the vault: what the other tests stand on.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'openid-client';
import { Browser } from './browser.mjs';
import { Upstream } from './upstream.mjs';

const redirectUri = 'http://127.0.0.1:9/callback';
let upstream;
let config;

before(async () => {
  upstream = await Upstream.start({ redirectUris: [redirectUri] });
  config = await oauth.discovery(
    new URL(upstream.issuer),
    upstream.client.id,
    undefined,
    oauth.ClientSecretPost(upstream.client.secret),
    { execute: [oauth.allowInsecureRequests] });
});

after(() => upstream.stop());

async function signIn(browser, parameters = {}) {
  const verifier = oauth.randomPKCECodeVerifier();
  const state = oauth.randomState();
  const url = oauth.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid profile offline_access files:read',
    prompt: 'consent',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...parameters,
  });
  const back = await browser.visit(url, { until: redirectUri });
  return oauth.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state });
}

test('the upstream signs a user in and shows its API to the token', async () => {
  const tokens = await signIn(new Browser());

  assert.equal(tokens.claims().sub, 'upstream-user-1');
  assert.equal((await upstream.callApi(tokens.access_token)).body.scope, 'openid profile offline_access files:read');
  assert.equal((await upstream.callUserInfo(tokens.access_token)).body.name, 'Name of upstream-user-1');
});

test('the upstream rotates refresh tokens and ends the grant when an old one comes back', async () => {
  const first = await signIn(new Browser());
  const before = upstream.granted.length;
  const second = await oauth.refreshTokenGrant(config, first.refresh_token);

  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal(upstream.granted.length, before + 1);
  assert.deepEqual(upstream.refreshes.at(-1), { presented: first.refresh_token, issued: second.refresh_token, error: undefined });
  await assert.rejects(oauth.refreshTokenGrant(config, first.refresh_token), { error: 'invalid_grant' });
  await assert.rejects(oauth.refreshTokenGrant(config, second.refresh_token), { error: 'invalid_grant' });
});

test('the upstream refuses a request without PKCE and one that the user denies', async () => {
  const withoutPkce = oauth.buildAuthorizationUrl(config, { redirect_uri: redirectUri, scope: 'openid', state: 's' });
  assert.equal((await new Browser().visit(withoutPkce, { until: redirectUri })).searchParams.get('error'), 'invalid_request');

  upstream.decision = 'deny';
  try {
    await assert.rejects(signIn(new Browser()), { error: 'access_denied' });
  } finally {
    upstream.decision = 'allow';
  }
});

test('the upstream serves a plain OAuth 2.0 client, comes back after an outage and honours a withdrawal', async () => {
  const tokens = await signIn(new Browser(), { scope: 'files:read' });
  assert.equal(tokens.id_token, undefined);

  await upstream.stop();
  await assert.rejects(upstream.callApi(tokens.access_token));
  await upstream.resume();
  assert.equal((await upstream.callApi(tokens.access_token)).status, 200);

  await upstream.withdraw(tokens.access_token);
  await assert.rejects(oauth.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' });
});
