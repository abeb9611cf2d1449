// The main job with a provider that speaks plain OAuth 2.0: no discovery, no id_token, endpoints set by hand.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import { World, expect, manage } from './vault.mjs';

let world;
let tokens;

before(async () => {
  world = await World.create({ strategy: 'oauth2' });
  tokens = await world.signIn();
});

after(() => world?.close());

test('a connection shows its callback and keeps its secret to itself', async () => {
  const shown = await manage(200, 'GET', `connections/${world.connection.id}`);

  assert.match(shown.id, /^con_/);
  assert.ok(shown.callback_url.endsWith(`/login/callback/${world.connection.name}`));
  assert.equal(shown.connected_accounts.active, true);
  assert.equal(JSON.stringify(shown).includes(world.upstream.client.secret), false);
});

test('a changed connection keeps the secret that comes back masked or missing', async () => {
  const shown = await manage(200, 'GET', `connections/${world.connection.id}`);
  await manage(200, 'PATCH', `connections/${world.connection.id}`, { options: shown.options });
  const { client_secret: _, ...withoutSecret } = shown.options;
  await manage(200, 'PATCH', `connections/${world.connection.id}`, { options: withoutSecret });

  await world.connect(tokens.refresh_token);
  assert.equal((await world.exchange(tokens.refresh_token)).status, 200);
});

test('a user connects an account and the token works at the provider', async () => {
  const account = await world.connect(tokens.refresh_token);
  assert.deepEqual(account.scopes, ['files:read']);

  const answer = await world.exchange(tokens.refresh_token);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.body.scope, 'files:read');
  assert.equal((await world.upstream.callApi(answer.body.access_token)).body.id, 'upstream-user-1');
});

test('scopes asked for when connecting again are granted beside those from before', async () => {
  const account = await world.connect(tokens.refresh_token, { scopes: ['files:write'] });
  assert.deepEqual([...account.scopes].sort(), ['files:read', 'files:write']);

  const answer = await world.exchange(tokens.refresh_token);
  assert.deepEqual(answer.body.scope.split(' ').sort(), ['files:read', 'files:write']);
});

test('two accounts at one provider stay two, and login_hint picks one', async () => {
  await world.connect(tokens.refresh_token);
  world.upstream.user = 'upstream-user-2';
  try {
    // Another person at the provider's sign-in page, hence a browser that the provider does not know.
    const token = await world.myAccountToken(tokens.refresh_token);
    world.browser = new Browser();
    await world.signIn();
    await world.connect(tokens.refresh_token);
    const { accounts } = await expect(200, 'GET', 'me/v1/connected-accounts/accounts', { token });
    assert.equal(accounts.length, 2);
  } finally {
    world.upstream.user = 'upstream-user-1';
  }

  for (const user of ['upstream-user-1', 'upstream-user-2']) {
    const answer = await world.exchange(tokens.refresh_token, { login_hint: user });
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await world.upstream.callApi(answer.body.access_token)).body.id, user);
  }
});

test('an operator lists a user’s tokensets and deletes them', async () => {
  const path = `users/${encodeURIComponent(world.user.user_id)}/federated-connections-tokensets`;
  const tokensets = await manage(200, 'GET', path);
  assert.equal(tokensets.length, 2);
  assert.ok(tokensets.every((tokenset) => tokenset.connection === world.connection.name && typeof tokenset.scope === 'string'));

  for (const { id } of tokensets) {
    await manage(204, 'DELETE', `${path}/${id}`);
  }

  assert.deepEqual(await manage(200, 'GET', path), []);
  assert.equal((await world.exchange(tokens.refresh_token)).body.error, 'federated_connection_refresh_token_not_found');
});
