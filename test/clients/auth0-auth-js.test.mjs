// Auth0's SDKs for web servers, unmodified: @auth0/auth0-auth-js and @auth0/auth0-server-js on top of it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AuthClient } from '@auth0/auth0-auth-js';
import { ServerClient } from '@auth0/auth0-server-js';
import { exportPKCS8, exportSPKI, generateKeyPair } from 'jose';
import { Browser } from './browser.mjs';
import { World, connectedAccountScopes, domain, grantTypes, issuer, manage, myAccount, redirectUri, unique } from './vault.mjs';

const scope = 'openid profile email offline_access read:things';
const ciba = 'urn:openid:params:grant-type:ciba';
const signedOut = 'http://127.0.0.1:9/signed-out';

let world;
let auth;
let tokens;

before(async () => {
  world = await World.create();
  auth = new AuthClient({ domain, clientId: world.app.client_id, clientSecret: world.app.client_secret });
});

after(() => world?.close());

function answer() {
  return { username: world.user.email, password: world.password };
}

test('auth0-auth-js signs in, gets a My Account token and refreshes', async () => {
  const { authorizationUrl, codeVerifier } = await auth.buildAuthorizationUrl({
    authorizationParams: { redirect_uri: redirectUri, audience: world.api.identifier, scope },
  });
  const back = await world.browser.visit(authorizationUrl, { until: redirectUri, answer: answer() });
  tokens = await auth.getTokenByCode(back, { codeVerifier });
  assert.equal(tokens.claims.sub, world.user.user_id);
  assert.ok(tokens.refreshToken);

  const mine = await auth.getTokenByRefreshToken({
    refreshToken: tokens.refreshToken,
    audience: myAccount,
    scope: connectedAccountScopes.join(' '),
  });
  assert.deepEqual(mine.scope.split(' ').sort(), [...connectedAccountScopes].sort());
});

test('auth0-auth-js reads the code of a failed exchange', async () => {
  await assert.rejects(auth.getTokenForConnection({ connection: world.connection.name, refreshToken: tokens.refreshToken }), (error) => {
    assert.equal(error.code, 'token_for_connection_error');
    assert.equal(error.cause.error, 'federated_connection_refresh_token_not_found');
    return true;
  });
});

test('auth0-auth-js gets a token for the connection with a refresh token', async () => {
  await world.connect(tokens.refreshToken);
  const vaulted = await auth.getTokenForConnection({ connection: world.connection.name, refreshToken: tokens.refreshToken });

  assert.ok(vaulted.expiresAt > Date.now() / 1000);
  assert.ok(vaulted.scope.split(' ').includes('files:read'));
  assert.equal((await world.upstream.callApi(vaulted.accessToken)).body.id, 'upstream-user-1');
});

test('auth0-auth-js gets a token for the connection with an access token, as the API’s client', async () => {
  const api = new AuthClient({ domain, clientId: world.apiClient.client_id, clientSecret: world.apiClient.client_secret });
  const vaulted = await api.getTokenForConnection({
    connection: world.connection.name,
    accessToken: tokens.accessToken,
    loginHint: 'upstream-user-1',
  });
  assert.equal((await world.upstream.callApi(vaulted.accessToken)).status, 200);

  const scoped = await api.exchangeToken({ connection: world.connection.name, subjectToken: tokens.accessToken, scope: 'files:read' });
  assert.equal((await world.upstream.callApi(scoped.accessToken)).status, 200);
});

test('auth0-auth-js signs in and exchanges by a key instead of a secret, and names the account', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const { client_id: clientId } = await manage(201, 'POST', 'clients', {
    name: unique('keyed'),
    app_type: 'regular_web',
    callbacks: [redirectUri],
    grant_types: [grantTypes.code, grantTypes.refresh, grantTypes.exchange],
    client_authentication_methods: {
      private_key_jwt: { credentials: [{ credential_type: 'public_key', alg: 'RS256', pem: await exportSPKI(publicKey) }] },
    },
    refresh_token: { rotation_type: 'non-rotating', expiration_type: 'non-expiring' },
  });
  const [database] = await manage(200, 'GET', 'connections?name=Username-Password-Authentication');
  for (const id of [world.connection.id, database.id]) {
    await manage(204, 'PATCH', `connections/${id}/clients`, [{ client_id: clientId, status: true }]);
  }

  const keyed = new AuthClient({ domain, clientId, clientAssertionSigningKey: await exportPKCS8(privateKey) });
  const { authorizationUrl, codeVerifier } = await keyed.buildAuthorizationUrl({ authorizationParams: { redirect_uri: redirectUri, scope: 'openid offline_access' } });
  const back = await world.browser.visit(authorizationUrl, { until: redirectUri, answer: answer() });
  const { refreshToken } = await keyed.getTokenByCode(back, { codeVerifier });
  const vaulted = (loginHint) => keyed.getTokenForConnection({ connection: world.connection.name, refreshToken, loginHint });
  assert.equal((await world.upstream.callApi((await vaulted('upstream-user-1')).accessToken)).status, 200);
  await assert.rejects(vaulted('somebody-else'), (error) => error.cause.error === 'federated_connection_refresh_token_not_found');
});

test('auth0-auth-js revokes a refresh token', async () => {
  const { authorizationUrl, codeVerifier } = await auth.buildAuthorizationUrl({ authorizationParams: { redirect_uri: redirectUri, scope } });
  const back = await world.browser.visit(authorizationUrl, { until: redirectUri, answer: answer() });
  const { refreshToken } = await auth.getTokenByCode(back, { codeVerifier });
  await auth.revokeToken({ token: refreshToken, tokenTypeHint: 'refresh_token' });

  await assert.rejects(auth.getTokenByRefreshToken({ refreshToken }), (error) => error.cause.error === 'invalid_grant');
});

test('auth0-server-js runs a session: sign-in, API token, token for the connection, sign-out', async () => {
  const browser = new Browser();
  const client = new ServerClient({
    domain,
    clientId: world.app.client_id,
    clientSecret: world.app.client_secret,
    authorizationParams: { redirect_uri: redirectUri, audience: world.api.identifier, scope },
    stateStore: memoryStore(),
    transactionStore: memoryStore(),
  });
  const back = await browser.visit(await client.startInteractiveLogin(), { until: redirectUri, answer: answer() });
  await client.completeInteractiveLogin(back);
  assert.equal((await client.getUser()).sub, world.user.user_id);
  assert.equal((await client.getAccessToken({ audience: myAccount, scope: connectedAccountScopes.join(' ') })).audience, myAccount);

  const vaulted = await client.getAccessTokenForConnection({ connection: world.connection.name });
  assert.equal((await world.upstream.callApi(vaulted.accessToken)).status, 200);

  const named = await client.getAccessTokenForConnection({ connection: world.connection.name, loginHint: 'upstream-user-1' });
  assert.equal((await world.upstream.callApi(named.accessToken)).body.id, 'upstream-user-1');

  const url = await client.logout({ returnTo: signedOut });
  assert.equal(url.href.startsWith(`${issuer}oidc/logout?`), true);
  await browser.visit(url, { until: signedOut });
});

test('auth0-server-js begins a session on another device, and gets a token for the connection in it', async () => {
  await manage(200, 'PATCH', `clients/${world.app.client_id}`, { grant_types: [grantTypes.code, grantTypes.refresh, grantTypes.exchange, ciba] });
  const client = new ServerClient({
    domain,
    clientId: world.app.client_id,
    clientSecret: world.app.client_secret,
    stateStore: memoryStore(),
    transactionStore: memoryStore(),
  });
  const login = client.loginBackchannel({
    bindingMessage: 'Order 50',
    loginHint: { sub: world.user.user_id },
    authorizationParams: { scope: 'openid offline_access' },
  });
  await approve();
  await login;
  assert.equal((await client.getUser()).sub, world.user.user_id);
  const vaulted = await client.getAccessTokenForConnection({ connection: world.connection.name });
  assert.equal((await world.upstream.callApi(vaulted.accessToken)).body.id, 'upstream-user-1');
});

/** The user finds the request in their list, and allows it. */
async function approve() {
  for (let asked = 0; asked < 100; asked++) {
    const { text } = await world.browser.open(`${issuer}approvals`);
    const found = /href="\/(approvals\/[^"]+)"/.exec(text);
    if (found !== null) {
      assert.match(await world.browser.settle(issuer + found[1], { answer: { ...answer(), consent: 'allow' } }), /^Approved/);
      return;
    }

    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  assert.fail('nothing waits for the user');
}

function memoryStore() {
  const held = new Map();
  return {
    set: async (key, value) => { held.set(key, value); },
    get: async (key) => held.get(key),
    delete: async (key) => { held.delete(key); },
  };
}
