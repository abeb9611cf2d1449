// Auth0's SDK for Node, unmodified: what its Management API clients of versions 5 and 7 read and write beyond clients and connections.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ManagementClient } from 'auth0';
import { ManagementClient as ManagementClient5 } from 'auth0-v5';
import { World, bootstrap, domain, unique } from './vault.mjs';

const machine = { domain, clientId: bootstrap.client_id, clientSecret: bootstrap.client_secret };
const versions = { 5: new ManagementClient5(machine), 7: new ManagementClient(machine) };

let world;
let refreshToken;

before(async () => {
  world = await World.create();
  refreshToken = (await world.signIn()).refresh_token;
  await world.connect(refreshToken);
});

after(() => world?.close());

async function all(page) {
  const found = [];
  for await (const item of page) {
    found.push(item);
  }

  return found;
}

for (const [version, management] of Object.entries(versions)) {
  test(`node-auth0 ${version} lists clients, connections, APIs and grants page by page`, async () => {
    assert.ok((await all(await management.clients.list({ per_page: 1 }))).some(({ client_id: id }) => id === world.app.client_id));
    assert.ok((await all(await management.connections.list({ take: 1 }))).some(({ id }) => id === world.connection.id));
    assert.ok((await all(await management.resourceServers.list({ per_page: 1 }))).some(({ id }) => id === world.api.id));
    const grants = await all(await management.clientGrants.list({ client_id: world.app.client_id }));
    assert.deepEqual(grants.map(({ subject_type: type }) => type), ['user']);
  });

  test(`node-auth0 ${version} searches users`, async () => {
    const found = await all(await management.users.list({ q: `email:"${world.user.email}" OR user_id:"${world.user.user_id}"`, search_engine: 'v3' }));
    assert.deepEqual(found.map(({ user_id: id }) => id), [world.user.user_id]);
    const wildcard = await all(await management.users.list({ q: `email:${world.user.email.slice(0, 12)}* AND NOT blocked:true` }));
    assert.ok(wildcard.some(({ user_id: id }) => id === world.user.user_id));
  });

  test(`node-auth0 ${version} sees what a user has connected, and their tokens and sessions`, async () => {
    const id = world.user.user_id;
    const [account] = await all(await management.users.connectedAccounts.list(id));
    assert.match(account.id, /^cac_[A-Za-z0-9]{22}$/);
    assert.deepEqual([account.connection, account.connection_id], [world.connection.name, world.connection.id]);

    const tokens = await all(await management.users.refreshToken.list(id));
    assert.ok(tokens.length >= 1);
    const token = await management.refreshTokens.get(tokens[0].id);
    assert.deepEqual([token.user_id, token.client_id], [id, world.app.client_id]);

    const sessions = await all(await management.users.sessions.list(id));
    assert.ok(sessions.some((session) => session.id === token.session_id));
    assert.ok((await management.sessions.get(token.session_id)).clients.some(({ client_id: client }) => client === world.app.client_id));
  });

  test(`node-auth0 ${version} reads and changes the tenant's settings`, async () => {
    const name = unique('tenant');
    await management.tenants.settings.update({ friendly_name: name });
    assert.equal((await management.tenants.settings.get()).friendly_name, name);
  });

  test(`node-auth0 ${version} reads the signing keys and the multi-factor policy`, async () => {
    const keys = await management.keys.signing.list();
    const current = keys.find((key) => key.current);
    assert.match(current.cert, /^-----BEGIN CERTIFICATE-----/);
    assert.equal((await management.keys.signing.get(current.kid)).kid, current.kid);
    assert.deepEqual([...await management.guardian.policies.list()], []);
  });

  test(`node-auth0 ${version} reads the log, all of it, one entry, and a user's`, async () => {
    const [newest] = (await management.logs.list({ per_page: 5, sort: 'date:-1', search: 'type:seacft' })).data;
    assert.equal(newest.type, 'seacft');
    const one = await management.logs.get(newest.log_id);
    assert.deepEqual([one.log_id, one.user_id], [newest.log_id, newest.user_id]);
    const own = await all(await management.users.logs.list(world.user.user_id, { per_page: 3 }));
    assert.ok(own.length >= 4 && own.every(({ user_id: id }) => id === world.user.user_id));
    assert.equal(new Set(own.map(({ log_id: id }) => id)).size, own.length);
  });

  test(`node-auth0 ${version} makes, reads, changes and deletes a log stream`, async () => {
    const sink = { httpEndpoint: 'https://receiver.example/', httpContentType: 'application/json', httpContentFormat: 'JSONLINES', httpAuthorization: 'Bearer x' };
    const made = await management.logStreams.create({ name: unique('stream'), type: 'http', sink });
    assert.match(made.id, /^lst_/);
    await management.logStreams.update(made.id, { status: 'paused' });
    assert.equal((await management.logStreams.get(made.id)).status, 'paused');
    assert.ok((await management.logStreams.list()).some(({ id }) => id === made.id));
    await management.logStreams.delete(made.id);
    await assert.rejects(management.logStreams.get(made.id), { statusCode: 404 });
  });

  test(`node-auth0 ${version} makes, changes, lists and deletes a token exchange profile`, async () => {
    const made = await management.tokenExchangeProfiles.create({
      name: 'Partner', subject_token_type: `urn:partner:${unique('type')}`, action_id: 'partner-action', type: 'custom_authentication',
    });
    await management.tokenExchangeProfiles.update(made.id, { name: 'Other' });
    assert.ok((await all(await management.tokenExchangeProfiles.list())).some(({ id, name }) => id === made.id && name === 'Other'));
    await management.tokenExchangeProfiles.delete(made.id);
    await assert.rejects(management.tokenExchangeProfiles.get(made.id), { statusCode: 404 });
  });
}

test('node-auth0 5 lists a user’s tokensets', async () => {
  const tokensets = await versions[5].users.federatedConnectionsTokensets.list(world.user.user_id);
  assert.deepEqual(tokensets.map(({ connection }) => connection), [world.connection.name]);
});

test('node-auth0 7 withdraws refresh tokens, and then they are good for nothing', async () => {
  const { refresh_token: token } = await world.signIn();
  await versions[7].refreshTokens.revoke({ user_id: world.user.user_id, client_id: world.app.client_id });
  assert.deepEqual(await all(await versions[7].refreshTokens.list({ user_id: world.user.user_id })), []);
  for (const gone of [token, refreshToken]) {
    assert.equal((await world.exchange(gone)).body.error, 'invalid_grant');
  }
});

test('node-auth0 7 rotates the signing keys, and the former one becomes a previous one', async () => {
  const management = versions[7];
  const before = (await management.keys.signing.list()).find((key) => key.current && key.cert);
  const { kid } = await management.keys.signing.rotate();
  assert.notEqual(kid, before.kid);
  assert.equal((await management.keys.signing.get(before.kid)).previous, true);
});
