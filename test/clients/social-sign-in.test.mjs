// Signing in through a provider's connection, and linking an identity, with unmodified SDKs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ServerClient } from '@auth0/auth0-server-js';
import { Browser } from './browser.mjs';
import { World, connectedAccountScopes, domain, manage, myAccount, redirectUri } from './vault.mjs';

const scope = 'openid profile email offline_access read:things';

let world;

before(async () => {
  world = await World.create({ signIn: true });
});

after(() => world?.close());

test('openid-client signs a user in through a connection, and the vault has the provider’s tokens', async () => {
  const tokens = await world.signIn({ connection: world.connection.name }, { browser: new Browser() });

  assert.equal(tokens.claims().sub, upstreamId());
  // The provider gives the profile at its userinfo endpoint only.
  assert.equal(tokens.claims().name, 'Name of upstream-user-1');
  assert.equal(tokens.claims().email, 'upstream-user-1@upstream.example');
  const exchanged = await world.exchange(tokens.refresh_token);
  assert.equal(exchanged.status, 200, exchanged.text);
  assert.equal((await world.upstream.callApi(exchanged.body.access_token)).body.id, 'upstream-user-1');

  const user = await manage(200, 'GET', `users/${encodeURIComponent(upstreamId())}`);
  assert.deepEqual(user.identities.map(({ provider, connection }) => [provider, connection]), [['oidc', world.connection.name]]);
  assert.equal(JSON.stringify(user).includes(exchanged.body.access_token), false);
});

test('a user who says no at the provider is back at the application with access_denied', async () => {
  world.upstream.decision = 'deny';
  try {
    await assert.rejects(
      world.signIn({ connection: world.connection.name }, { browser: new Browser() }),
      (error) => error.error === 'access_denied');
  } finally {
    world.upstream.decision = 'allow';
  }
});

test('auth0-server-js signs in through a connection', async () => {
  const client = serverClient();
  const url = await client.startInteractiveLogin({ authorizationParams: { connection: world.connection.name } });
  await client.completeInteractiveLogin(await new Browser().visit(url, { until: redirectUri }));

  assert.equal((await client.getUser()).sub, upstreamId());
  const vaulted = await client.getAccessTokenForConnection({ connection: world.connection.name });
  assert.equal((await world.upstream.callApi(vaulted.accessToken)).status, 200);
});

test('auth0-server-js links an identity to its user, and unlinks it', async () => {
  const client = serverClient();
  const browser = new Browser();
  const answer = { username: world.user.email, password: world.password };
  await client.completeInteractiveLogin(await browser.visit(await client.startInteractiveLogin(), { until: redirectUri, answer }));

  const link = await client.startLinkUser({ connection: world.connection.name, connectionScope: 'files:write', authorizationParams: { redirect_uri: redirectUri } });
  await client.completeLinkUser(await browser.visit(link, { until: redirectUri }));
  assert.deepEqual(await providers(world.user.user_id), ['auth0', 'oidc']);
  assert.equal((await client.getUser()).sub, world.user.user_id);
  const other = await world.signIn({ connection: world.connection.name }, { browser: new Browser() });
  assert.equal(other.claims().sub, world.user.user_id);

  // What the identity's own user had connected is now this user's.
  const mine = await world.myAccountToken(other.refresh_token, connectedAccountScopes);
  assert.ok(mine, myAccount);
  assert.equal((await world.exchange(other.refresh_token)).status, 200);

  const unlink = await client.startUnlinkUser({ connection: world.connection.name, authorizationParams: { redirect_uri: redirectUri } });
  await client.completeUnlinkUser(await browser.visit(unlink, { until: redirectUri }));
  assert.deepEqual(await providers(world.user.user_id), ['auth0']);
});

function upstreamId() {
  return `oidc|${world.connection.name}|upstream-user-1`;
}

async function providers(userId) {
  const user = await manage(200, 'GET', `users/${encodeURIComponent(userId)}`);
  return user.identities.map(({ provider }) => provider);
}

function serverClient() {
  return new ServerClient({
    domain,
    clientId: world.app.client_id,
    clientSecret: world.app.client_secret,
    authorizationParams: { redirect_uri: redirectUri, audience: world.api.identifier, scope },
    stateStore: memoryStore(),
    transactionStore: memoryStore(),
  });
}

function memoryStore() {
  const held = new Map();
  return {
    set: async (key, value) => { held.set(key, value); },
    get: async (key) => held.get(key),
    delete: async (key) => { held.delete(key); },
  };
}
