// What kinds of application can sign users in: third-party with consent, rotating, public, Basic.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as oauth from 'openid-client';
import { Browser } from './browser.mjs';
import { World, connectedAccountScopes, issuer, myAccount } from './vault.mjs';

const worlds = [];

after(() => Promise.all(worlds.map((world) => world.close())));

async function worldOf(app) {
  const world = await World.create({ app });
  worlds.push(world);
  return world;
}

const rotating = {
  refresh_token: {
    rotation_type: 'rotating',
    expiration_type: 'expiring',
    leeway: 0,
    token_lifetime: 86_400,
    idle_token_lifetime: 3_600,
    policies: [{ audience: myAccount, scope: connectedAccountScopes }],
  },
};

test('a third-party application needs the user’s consent', async () => {
  const world = await worldOf({ is_first_party: false });

  await assert.rejects(world.signIn({}, { consent: 'deny' }), { error: 'access_denied' });
  const tokens = await world.signIn({}, { consent: 'allow' });
  assert.equal(tokens.claims().sub, world.user.user_id);
});

test('a third-party application may not exchange', async () => {
  const world = await worldOf({ is_first_party: false });
  const tokens = await world.signIn({}, { consent: 'allow' });
  const answer = await world.exchange(tokens.refresh_token);

  assert.equal(answer.status, 403, answer.text);
  assert.equal(answer.body.error, 'unauthorized_client');
});

test('a rotating refresh token is replaced at each use, and reuse ends the family', async () => {
  const world = await worldOf(rotating);
  const { refresh_token: first } = await world.signIn();
  const { refresh_token: second } = await oauth.refreshTokenGrant(world.config, first);
  assert.ok(second);
  assert.notEqual(second, first);

  await assert.rejects(oauth.refreshTokenGrant(world.config, first), { error: 'invalid_grant' });
  await assert.rejects(oauth.refreshTokenGrant(world.config, second), { error: 'invalid_grant' });
});

test('a rotating refresh token is no subject token, and its access token is one for the API', async () => {
  const world = await worldOf(rotating);
  const tokens = await world.signIn();
  const answer = await world.exchange(tokens.refresh_token);
  assert.ok(answer.status >= 400 && answer.status < 500, answer.text);
  assert.notEqual(answer.body.error, 'federated_connection_refresh_token_not_found');

  const other = await world.exchangeAccessToken(tokens.access_token);
  assert.equal(other.body.error, 'federated_connection_refresh_token_not_found');
});

test('a public application signs users in with PKCE, and may not exchange', async () => {
  const world = await worldOf({ app_type: 'spa', token_endpoint_auth_method: 'none', ...rotating });
  const tokens = await world.signIn();
  assert.equal(tokens.claims().sub, world.user.user_id);

  const answer = await world.exchange(tokens.refresh_token);
  assert.equal(answer.status, 403, answer.text);
  assert.equal(answer.body.error, 'unauthorized_client');

  // The secret that every application gets does not make it a confidential one.
  const withSecret = await world.exchange(tokens.refresh_token, { client_secret: world.app.client_secret });
  assert.equal(withSecret.status, 401, withSecret.text);
  assert.equal(withSecret.body.error, 'invalid_client');
});

test('a public application without PKCE is refused', async () => {
  const world = await worldOf({ app_type: 'spa', token_endpoint_auth_method: 'none', ...rotating });
  await assert.rejects(
    world.signIn({ code_challenge: undefined, code_challenge_method: undefined }, { browser: new Browser() }),
    { error: 'invalid_request' });
});

test('a confidential application authenticates with Basic', async () => {
  const world = await worldOf({ token_endpoint_auth_method: 'client_secret_basic' });
  const config = await oauth.discovery(
    new URL(issuer), world.app.client_id, undefined, oauth.ClientSecretBasic(world.app.client_secret));
  const tokens = await world.signIn({}, { config });
  assert.equal((await oauth.refreshTokenGrant(config, tokens.refresh_token)).token_type, 'bearer');

  const wrong = await oauth.discovery(new URL(issuer), world.app.client_id, undefined, oauth.ClientSecretBasic('not the secret'));
  await assert.rejects(
    oauth.refreshTokenGrant(wrong, tokens.refresh_token),
    (error) => (error.error ?? error.cause?.[0]?.parameters?.error) === 'invalid_client');
});

test('an address that is not registered gets neither code nor redirect', async () => {
  const world = await worldOf({});
  const url = oauth.buildAuthorizationUrl(world.config, {
    redirect_uri: 'https://elsewhere.example/callback',
    scope: 'openid',
    state: 's',
    code_challenge: await oauth.calculatePKCECodeChallenge(oauth.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
  });
  const page = await new Browser().open(url);
  assert.equal(page.url.origin, new URL(issuer).origin);
  assert.equal(page.status, 400);
});
