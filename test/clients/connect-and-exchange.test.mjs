// The main job with an OpenID Connect provider: sign in, connect an account, exchange tokens, refresh, disconnect.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'openid-client';
import { Browser } from './browser.mjs';
import { World, connectedAccountScopes, expect, issuer, manage, myAccount, redirectUri, send, tokenTypes } from './vault.mjs';

let world;
let tokens;

before(async () => {
  world = await World.create();
  tokens = await world.signIn();
});

after(() => world?.close());

/** Waits for the moment at which an access token that was issued by now has expired at the provider. */
function expiry(lifetime) {
  const until = Date.now() + (lifetime + 1) * 1000;
  return new Promise((resolve) => setTimeout(resolve, until - Date.now()));
}

test('openid-client discovers the vault and signs a user in with code and PKCE', async () => {
  const metadata = world.config.serverMetadata();
  assert.equal(metadata.issuer, issuer);
  assert.equal(metadata.token_endpoint, `${issuer}oauth/token`);
  assert.equal(tokens.claims().sub, world.user.user_id);
  assert.ok(tokens.claims().sid);

  const profile = await oauth.fetchUserInfo(world.config, tokens.access_token, world.user.user_id);
  assert.equal(profile.email, world.user.email);
});

test('an API verifies the access token against the published keys', async () => {
  const keys = createRemoteJWKSet(new URL(world.config.serverMetadata().jwks_uri));
  const { payload } = await jwtVerify(tokens.access_token, keys, { issuer, audience: world.api.identifier, algorithms: ['RS256'] });

  assert.equal(payload.sub, world.user.user_id);
  assert.equal(payload.azp, world.app.client_id);
  assert.deepEqual(payload.scope.split(' ').sort(), ['email', 'offline_access', 'openid', 'profile', 'read:things']);
});

test('a session spares the second sign-in, and prompt=none without one is told login_required', async () => {
  const again = await world.signIn({ prompt: 'none' });
  assert.equal(again.claims().sub, world.user.user_id);
  await assert.rejects(world.signIn({ prompt: 'none' }, { browser: new Browser() }), { error: 'login_required' });
});

test('a wrong password signs nobody in', async () => {
  const right = world.password;
  world.password = 'not the password';
  try {
    await assert.rejects(world.signIn({}, { browser: new Browser() }), /sign-in was refused/);
  } finally {
    world.password = right;
  }
});

test('the refresh token gives a My Account token of its own audience and scopes', async () => {
  const answer = await oauth.refreshTokenGrant(world.config, tokens.refresh_token, {
    audience: myAccount,
    scope: `${connectedAccountScopes[1]} read:everything`,
  });
  assert.equal(answer.scope, connectedAccountScopes[1]);
  await assert.rejects(
    oauth.refreshTokenGrant(world.config, tokens.refresh_token, { audience: 'https://unknown.example/' }),
    (error) => error instanceof oauth.ResponseBodyError && error.status < 500);
});

test('an exchange before the account is connected says that it is not', async () => {
  const answer = await world.exchange(tokens.refresh_token);

  assert.equal(answer.status, 401);
  assert.equal(answer.body.error, 'federated_connection_refresh_token_not_found');
  assert.equal(answer.body.reason, 'not_connected');
});

test('a user connects an account and an application lists it', async () => {
  const account = await world.connect(tokens.refresh_token);
  assert.match(account.id, /^cac_[A-Za-z0-9]+$/);
  assert.equal(account.connection, world.connection.name);
  assert.equal(account.access_type, 'offline');
  assert.ok(account.scopes.includes('files:read'));

  const token = await world.myAccountToken(tokens.refresh_token);
  const { accounts } = await expect(200, 'GET', 'me/v1/connected-accounts/accounts', { token });
  assert.deepEqual(accounts.map(({ id }) => id), [account.id]);
  const { connections } = await expect(200, 'GET', 'me/v1/connected-accounts/connections', { token });
  assert.deepEqual(
    connections.filter(({ name }) => name === world.connection.name).map(({ strategy }) => strategy),
    ['oidc']);
});

test('connecting the same account again updates it', async () => {
  const token = await world.myAccountToken(tokens.refresh_token);
  const before = await expect(200, 'GET', 'me/v1/connected-accounts/accounts', { token });
  await world.connect(tokens.refresh_token);
  const after = await expect(200, 'GET', 'me/v1/connected-accounts/accounts', { token });
  assert.equal(after.accounts.length, before.accounts.length);
});

for (const as of ['form', 'json']) {
  test(`the application exchanges its refresh token (${as}) and calls the provider`, async () => {
    const before = world.upstream.refreshes.length;
    const answer = await world.exchange(tokens.refresh_token, { as });

    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.headers.get('content-type'), 'application/json');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.body.issued_token_type, tokenTypes.vault);
    assert.equal(answer.body.token_type, 'Bearer');
    assert.ok(Number.isInteger(answer.body.expires_in) && answer.body.expires_in > 3000 && answer.body.expires_in <= 3600);
    assert.ok(answer.body.scope.split(' ').includes('files:read'));
    assert.equal(answer.body.refresh_token, undefined);
    assert.equal((await world.upstream.callUserInfo(answer.body.access_token)).body.sub, 'upstream-user-1');
    assert.equal(world.upstream.refreshes.length, before, 'a token that is fresh needs no refresh');
  });

  test(`the API exchanges the access token that it got (${as})`, async () => {
    const answer = await world.exchangeAccessToken(tokens.access_token, { as });

    assert.equal(answer.status, 200, answer.text);
    assert.equal((await world.upstream.callApi(answer.body.access_token)).status, 200);
  });
}

test('only the API of the access token may exchange it', async () => {
  const answer = await send('POST', 'oauth/token', {
    form: {
      grant_type: 'urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token',
      client_id: world.app.client_id,
      client_secret: world.app.client_secret,
      subject_token: tokens.access_token,
      subject_token_type: tokenTypes.access,
      requested_token_type: tokenTypes.vault,
      connection: world.connection.name,
    },
  });
  assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
  assert.equal(answer.body.access_token, undefined);
});

test('login_hint picks the account, and one that matches none finds none', async () => {
  const right = await world.exchange(tokens.refresh_token, { login_hint: 'upstream-user-1' });
  assert.equal(right.status, 200, right.text);

  const wrong = await world.exchange(tokens.refresh_token, { login_hint: 'somebody-else' });
  assert.equal(wrong.status, 401);
  assert.equal(wrong.body.error, 'federated_connection_refresh_token_not_found');
});

test('an expired token is refreshed once for all who ask, and the rotated refresh token is the next one used', async () => {
  const { upstream } = world;
  upstream.accessTokenLifetime = 2;
  await world.connect(tokens.refresh_token);
  await expiry(upstream.accessTokenLifetime);
  const earlier = upstream.refreshes.length;

  const first = await world.exchange(tokens.refresh_token);
  assert.equal(first.status, 200, first.text);
  assert.equal(upstream.refreshes.length, earlier + 1);

  await expiry(upstream.accessTokenLifetime);
  upstream.accessTokenLifetime = 3600;
  const answers = await Promise.all(Array.from({ length: 8 }, () => world.exchange(tokens.refresh_token)));
  assert.deepEqual(answers.map(({ status }) => status), Array(8).fill(200));
  assert.equal(new Set(answers.map(({ body }) => body.access_token)).size, 1);
  assert.equal(upstream.refreshes.length, earlier + 2);
  assert.equal(upstream.refreshes.at(-1).presented, upstream.refreshes.at(-2).issued);
  assert.equal((await upstream.callUserInfo(answers[0].body.access_token)).status, 200);
  assert.equal((await upstream.callUserInfo(first.body.access_token)).status, 401);
});

test('the provider refresh token shows in no answer', async () => {
  const issued = world.upstream.refreshes.map(({ issued: token }) => token).filter(Boolean);
  assert.ok(issued.length > 0);
  const token = await world.myAccountToken(tokens.refresh_token);
  const shown = JSON.stringify([
    (await world.exchange(tokens.refresh_token)).body,
    await expect(200, 'GET', 'me/v1/connected-accounts/accounts', { token }),
    await manage(200, 'GET', `users/${encodeURIComponent(world.user.user_id)}`),
    await manage(200, 'GET', `users/${encodeURIComponent(world.user.user_id)}/federated-connections-tokensets`),
  ]);
  assert.deepEqual(issued.filter((secret) => shown.includes(secret)), []);
});

test('while the provider is away the vault says try later, and nothing is lost when it is back', async () => {
  const { upstream } = world;
  upstream.accessTokenLifetime = 2;
  await world.connect(tokens.refresh_token);
  await expiry(upstream.accessTokenLifetime);
  upstream.accessTokenLifetime = 3600;

  await upstream.stop();
  const away = await world.exchange(tokens.refresh_token);
  await upstream.resume();
  assert.equal(away.status, 503, away.text);
  assert.equal(away.body.reason, 'temporarily_unavailable');
  assert.ok(Number(away.headers.get('retry-after')) > 0);

  // The wait that the answer asks for is the client's side of the contract.
  await new Promise((resolve) => setTimeout(resolve, Number(away.headers.get('retry-after')) * 1000));
  const back = await world.exchange(tokens.refresh_token);
  assert.equal(back.status, 200, back.text);
});

test('a grant that the user withdrew at the provider asks for a new connection, and gets one', async () => {
  const { upstream } = world;
  upstream.accessTokenLifetime = 2;
  await world.connect(tokens.refresh_token);
  const { body } = await world.exchange(tokens.refresh_token);
  await upstream.withdraw(body.access_token);
  await expiry(upstream.accessTokenLifetime);
  upstream.accessTokenLifetime = 3600;

  const answer = await world.exchange(tokens.refresh_token);
  assert.equal(answer.status, 401, answer.text);
  assert.equal(answer.body.error, 'federated_connection_refresh_token_flow_failed');
  assert.equal(answer.body.reason, 'reauthorization_required');

  await world.connect(tokens.refresh_token);
  assert.equal((await world.exchange(tokens.refresh_token)).status, 200);
});

test('a user who says no at the provider comes back with the error, and nothing is connected', async () => {
  const token = await world.myAccountToken(tokens.refresh_token);
  const before = await expect(200, 'GET', 'me/v1/connected-accounts/accounts', { token });
  const started = await world.startConnect(token);
  world.upstream.decision = 'deny';
  world.upstream.user = 'upstream-user-2';
  try {
    const back = await world.followConnect(started, world.browser);
    assert.equal(back.searchParams.get('error'), 'access_denied');
    assert.equal(back.searchParams.get('connect_code'), null);
  } finally {
    world.upstream.decision = 'allow';
    world.upstream.user = 'upstream-user-1';
  }

  assert.deepEqual(await expect(200, 'GET', 'me/v1/connected-accounts/accounts', { token }), before);
});

test('a connect code is worth nothing without its session and verifier, and only once with them', async () => {
  const token = await world.myAccountToken(tokens.refresh_token);
  const started = await world.startConnect(token);
  const code = (await world.followConnect(started)).searchParams.get('connect_code');
  const complete = (json) => send('POST', 'me/v1/connected-accounts/complete', { token, json });
  const right = { auth_session: started.auth_session, connect_code: code, redirect_uri: redirectUri, code_verifier: started.verifier };

  const wrongSession = await complete({ ...right, auth_session: 'x'.repeat(43) });
  assert.ok(wrongSession.status >= 400 && wrongSession.status < 500, wrongSession.text);
  assert.equal((await complete(right)).status, 201);
  const second = await complete(right);
  assert.ok(second.status >= 400 && second.status < 500, second.text);
  assert.equal(second.body.status, second.status);
});

test('a disconnected account is gone: the exchange says not connected', async () => {
  const token = await world.myAccountToken(tokens.refresh_token);
  const { accounts } = await expect(200, 'GET', 'me/v1/connected-accounts/accounts', { token });
  for (const { id } of accounts) {
    await expect(204, 'DELETE', `me/v1/connected-accounts/accounts/${id}`, { token });
  }

  const answer = await world.exchange(tokens.refresh_token);
  assert.equal(answer.status, 401);
  assert.equal(answer.body.error, 'federated_connection_refresh_token_not_found');
  assert.equal(answer.body.reason, 'not_connected');
});

test('a revoked refresh token gives and exchanges nothing', async () => {
  const { refresh_token: token } = await world.signIn();
  await oauth.tokenRevocation(world.config, token);

  await assert.rejects(oauth.refreshTokenGrant(world.config, token), { error: 'invalid_grant' });
  assert.equal((await world.exchange(token)).body.error, 'invalid_grant');
});

test('signing out ends the session', async () => {
  const browser = new Browser();
  const { id_token: idToken } = await world.signIn({}, { browser });
  const url = oauth.buildEndSessionUrl(world.config, { id_token_hint: idToken, post_logout_redirect_uri: 'http://127.0.0.1:9/signed-out' });
  await browser.visit(url, { until: 'http://127.0.0.1:9/signed-out' });

  await assert.rejects(world.signIn({ prompt: 'none' }, { browser }), { error: 'login_required' });
});

test('signing out at /v2/logout ends the session, and leads to registered addresses only', async () => {
  const browser = new Browser();
  await world.signIn({}, { browser });
  const logout = (returnTo) => `${issuer}v2/logout?${new URLSearchParams({ client_id: world.app.client_id, returnTo })}`;

  const refused = await browser.open(logout('https://elsewhere.example/'));
  assert.equal(refused.status, 400);
  assert.equal(refused.url.origin, new URL(issuer).origin);
  assert.ok((await world.signIn({ prompt: 'none' }, { browser })).access_token, 'a refused request signs nobody out');

  await browser.visit(logout('http://127.0.0.1:9/signed-out'), { until: 'http://127.0.0.1:9/signed-out' });
  await assert.rejects(world.signIn({ prompt: 'none' }, { browser }), { error: 'login_required' });
});
