// Auth0's SDK for Node, unmodified: the Management API client of version 7, and the clients of version 4 that it carries.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ManagementClient } from 'auth0';
import { AuthenticationClient, ManagementClient as LegacyManagementClient } from 'auth0/legacy';
import * as oauth from 'openid-client';
import { World, bootstrap, connectedAccountScopes, domain, grantTypes, myAccount, redirectUri, unique } from './vault.mjs';

const machine = { domain, clientId: bootstrap.client_id, clientSecret: bootstrap.client_secret };
const management = new ManagementClient(machine);
const legacyManagement = new LegacyManagementClient(machine);

let world;
let tokens;
let legacyAuth;

before(async () => {
  world = await World.create();
  tokens = await world.signIn();
  legacyAuth = new AuthenticationClient({ domain, clientId: world.app.client_id, clientSecret: world.app.client_secret });
});

after(() => world?.close());

async function all(page) {
  const found = [];
  for await (const item of page) {
    found.push(item);
  }

  return found;
}

test('node-auth0 7 makes, reads, changes, lists and deletes a client', async () => {
  const name = unique('sdk-client');
  const made = await management.clients.create({
    name,
    app_type: 'regular_web',
    callbacks: [redirectUri],
    grant_types: [grantTypes.code, grantTypes.refresh, grantTypes.exchange],
    is_first_party: true,
    oidc_conformant: true,
  });
  assert.ok(made.client_secret);
  assert.equal((await management.clients.get(made.client_id)).name, name);
  const changed = await management.clients.update(made.client_id, {
    refresh_token: {
      rotation_type: 'non-rotating',
      expiration_type: 'non-expiring',
      policies: [{ audience: myAccount, scope: connectedAccountScopes }],
    },
  });
  assert.deepEqual(changed.refresh_token.policies, [{ audience: myAccount, scope: connectedAccountScopes }]);
  assert.ok((await all(await management.clients.list())).some(({ client_id: id }) => id === made.client_id));
  await management.clients.delete(made.client_id);
  await assert.rejects(management.clients.get(made.client_id), { statusCode: 404 });
});

test('node-auth0 7 walks through pages', async () => {
  // Of users that nobody else adds to or takes from: what is added before a page moves it.
  const name = unique('page');
  const made = [];
  for (const number of [1, 2, 3, 4, 5]) {
    const user = { connection: 'Username-Password-Authentication', email: `${number}-${name}@users.example`, name, password: unique('Pa55word') };
    made.push((await management.users.create(user)).user_id);
  }

  const page = await management.users.list({ q: `name:"${name}"`, per_page: 2 });
  assert.equal(page.data.length, 2);
  const walked = await all(page);
  assert.deepEqual(walked.map(({ user_id: id }) => id).sort(), made.sort());
});

test('node-auth0 7 makes a connection and enables it for a client', async () => {
  const name = unique('sdk-connection');
  const made = await management.connections.create({
    name,
    strategy: 'oauth2',
    options: {
      client_id: 'id-at-provider',
      client_secret: 'secret-at-provider',
      scope: 'read',
      authorizationURL: 'https://provider.example/authorize',
      tokenURL: 'https://provider.example/token',
    },
    authentication: { active: false },
    connected_accounts: { active: true },
  });
  assert.match(made.id, /^con_/);
  assert.equal(made.connected_accounts.active, true);

  await management.connections.clients.update(made.id, [{ client_id: world.app.client_id, status: true }]);
  const enabled = await all(await management.connections.clients.get(made.id));
  assert.deepEqual(enabled.map(({ client_id: id }) => id), [world.app.client_id]);
  assert.deepEqual((await all(await management.connections.list({ name }))).map(({ id }) => id), [made.id]);
  assert.ok((await all(await management.connections.list({ take: 2 }))).some(({ id }) => id === made.id));
  await management.connections.delete(made.id);
  await assert.rejects(management.connections.get(made.id), { statusCode: 404 });
});

test('node-auth0 7 makes an API and a client grant for users', async () => {
  const identifier = `https://${unique('sdk-api')}.example/`;
  const api = await management.resourceServers.create({ name: 'SDK', identifier, scopes: [{ value: 'read:it' }], signing_alg: 'ES256' });
  assert.equal((await management.resourceServers.get(api.id)).identifier, identifier);
  assert.deepEqual((await all(await management.resourceServers.list({ identifiers: [identifier] }))).map(({ id }) => id), [api.id]);

  const wanted = { client_id: world.app.client_id, audience: identifier, scope: ['read:it'], subject_type: 'user' };
  const grant = await management.clientGrants.create(wanted);
  const found = await all(await management.clientGrants.list({ client_id: world.app.client_id, audience: identifier }));
  assert.deepEqual(found.map(({ id, subject_type: type }) => [id, type]), [[grant.id, 'user']]);
  await assert.rejects(management.clientGrants.create(wanted), { statusCode: 409 });
  await management.clientGrants.delete(grant.id);
  await management.resourceServers.delete(api.id);
});

test('node-auth0 7 makes, reads, lists and deletes a user', async () => {
  const made = await management.users.create({
    connection: 'Username-Password-Authentication',
    email: `${unique('sdk-user')}@users.example`,
    password: unique('Pa55word'),
  });
  assert.match(made.user_id, /^auth0\|/);
  assert.equal((await management.users.get(made.user_id)).email, made.email);
  assert.ok((await all(await management.users.list())).some(({ user_id: id }) => id === made.user_id));
  await management.users.delete(made.user_id);
  await assert.rejects(management.users.get(made.user_id), { statusCode: 404 });
});

test('node-auth0 7 is told what it did wrong', async () => {
  const [refused] = await Promise.allSettled([management.clients.create({ name: 'x', app_type: 'no such type' })]);
  assert.equal(refused.reason?.statusCode, 400);
  assert.equal(refused.reason.body.statusCode, 400);
  assert.ok(refused.reason.body.message);

  const stranger = new ManagementClient({ ...machine, clientSecret: 'not the secret', maxRetries: 0 });
  await assert.rejects(stranger.clients.get(bootstrap.client_id), { statusCode: 401 });
});

test('node-auth0 4 exchanges with its secret and no client_id', async () => {
  await world.connect(tokens.refresh_token);
  const { data } = await legacyAuth.oauth.tokenForConnection({ connection: world.connection.name, subject_token: tokens.refresh_token });
  assert.equal((await world.upstream.callApi(data.access_token)).status, 200);
});

test('node-auth0 4 refreshes, and revokes with a JSON body', async () => {
  const { refresh_token: refreshToken } = await world.signIn();
  const { data } = await legacyAuth.oauth.refreshTokenGrant({ refresh_token: refreshToken });
  assert.ok(data.access_token);

  await legacyAuth.oauth.revokeRefreshToken({ token: refreshToken });
  await assert.rejects(oauth.refreshTokenGrant(world.config, refreshToken), { error: 'invalid_grant' });
});

test('node-auth0 4 signs in with a code and validates the ID token', async () => {
  const verifier = oauth.randomPKCECodeVerifier();
  const url = oauth.buildAuthorizationUrl(world.config, {
    redirect_uri: redirectUri,
    scope: 'openid',
    state: 's',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  const back = await world.browser.visit(url, { until: redirectUri, answer: { username: world.user.email, password: world.password } });
  const { data } = await legacyAuth.oauth.authorizationCodeGrantWithPKCE({
    code: back.searchParams.get('code'),
    code_verifier: verifier,
    redirect_uri: redirectUri,
  });
  assert.ok(data.id_token);
});

test('node-auth0 4 lists a user’s tokensets and deletes one', async () => {
  const id = world.user.user_id;
  const { data: tokensets } = await legacyManagement.users.getAllTokensets({ id });
  assert.deepEqual(tokensets.map(({ connection }) => connection), [world.connection.name]);

  await legacyManagement.users.deleteTokenset({ id, tokenset_id: tokensets[0].id });
  assert.deepEqual((await legacyManagement.users.getAllTokensets({ id })).data, []);
});

test('node-auth0 4 reads bare lists', async () => {
  const { data: clients } = await legacyManagement.clients.getAll();
  assert.ok(Array.isArray(clients));
  assert.ok(clients.some(({ client_id: id }) => id === world.app.client_id));
  const { data: connections } = await legacyManagement.connections.getAll({ name: world.connection.name });
  assert.deepEqual(connections.map(({ id }) => id), [world.connection.id]);
});

test('node-auth0 4 reads the log, and a user’s', async () => {
  const { data: entries } = await legacyManagement.logs.getAll({ per_page: 5, sort: 'date:-1' });
  const { data: one } = await legacyManagement.logs.get({ id: entries[0].log_id });
  assert.deepEqual(one, entries[0]);
  const { data: own } = await legacyManagement.users.getLogs({ id: world.user.user_id });
  assert.ok(own.length >= 1 && own.every(({ user_id: id }) => id === world.user.user_id));
});
