// Auth0's SDK for Node, unmodified: how its Management API clients set a vault up, and what follows from it.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { ManagementClient } from 'auth0';
import { AuthenticationClient, ManagementClient as LegacyManagementClient } from 'auth0/legacy';
import { ManagementClient as ManagementClient5 } from 'auth0-v5';
import { SignJWT, exportSPKI, generateKeyPair } from 'jose';
import { World, bootstrap, domain, grantTypes, issuer, send, tokenTypes, unique } from './vault.mjs';

const machine = { domain, clientId: bootstrap.client_id, clientSecret: bootstrap.client_secret };
const versions = { 5: new ManagementClient5(machine), 7: new ManagementClient(machine) };
const legacy = new LegacyManagementClient(machine);
const ciba = 'urn:openid:params:grant-type:ciba';

let world;
let tokens;

before(async () => {
  world = await World.create({ app: { grant_types: [grantTypes.code, grantTypes.refresh, grantTypes.exchange, ciba] } });
  tokens = await world.signIn();
});

after(() => world?.close());

for (const [version, management] of Object.entries(versions)) {
  test(`node-auth0 ${version} takes a connection out of the vault, and puts it back`, async () => {
    await world.connect(tokens.refresh_token);
    const { id } = world.connection;
    await management.connections.update(id, { connected_accounts: { active: false } });
    assert.equal((await world.exchange(tokens.refresh_token)).body.reason, 'policy_denied');
    await management.connections.update(id, { connected_accounts: { active: true } });
    assert.equal((await management.connections.get(id)).connected_accounts.active, true);
    assert.equal((await world.exchange(tokens.refresh_token)).status, 200);
  });

  test(`node-auth0 ${version} lets a client exchange at a connection, and no longer`, async () => {
    const { id } = world.connection;
    await management.connections.clients.update(id, [{ client_id: world.app.client_id, status: false }]);
    assert.equal((await world.exchange(tokens.refresh_token)).body.reason, 'policy_denied');
    await management.connections.clients.update(id, [{ client_id: world.app.client_id, status: true }]);
    assert.equal((await world.exchange(tokens.refresh_token)).status, 200);
  });

  test(`node-auth0 ${version} makes a privileged worker, whose grants and addresses hold`, async () => {
    const key = await generateKeyPair('RS256');
    const worker = await management.clients.create({
      name: unique('worker'), app_type: 'non_interactive', grant_types: [grantTypes.exchange], token_endpoint_auth_method: 'client_secret_post',
    });
    const credential = await management.clients.credentials.create(worker.client_id, {
      credential_type: 'public_key', name: 'subjects', alg: 'RS256', pem: await exportSPKI(key.publicKey),
    });
    assert.ok((await management.clients.credentials.list(worker.client_id)).some(({ id }) => id === credential.id));
    const access = {
      credentials: [{ id: credential.id }],
      ip_allowlist: ['127.0.0.0/8', '::1'],
      grants: [{ connection: world.connection.name, scopes: ['openid', 'profile', 'email', 'offline_access', 'files:read'] }],
    };
    const changed = await management.clients.update(worker.client_id, { token_vault_privileged_access: access });
    assert.deepEqual(changed.token_vault_privileged_access.grants, access.grants);
    assert.deepEqual(changed.token_vault_privileged_access.credentials, access.credentials);
    await management.connections.clients.update(world.connection.id, [{ client_id: worker.client_id, status: true }]);

    const answer = await ask(worker, key.privateKey);
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await world.upstream.callApi(answer.body.access_token)).body.id, 'upstream-user-1');

    await management.clients.update(worker.client_id, { token_vault_privileged_access: { ...access, ip_allowlist: ['192.0.2.1'] } });
    assert.equal((await ask(worker, key.privateKey)).body.error, 'access_denied');
    await management.clients.update(worker.client_id, { token_vault_privileged_access: null });
    await management.clients.credentials.delete(worker.client_id, credential.id);
    assert.deepEqual([...await management.clients.credentials.list(worker.client_id)], []);
    await management.clients.delete(worker.client_id);
  });
}

test('node-auth0 5 deletes a tokenset, and its account with it', async () => {
  const { federatedConnectionsTokensets: tokensets } = versions[5].users;
  const [{ id }] = await tokensets.list(world.user.user_id);
  await tokensets.delete(world.user.user_id, id);
  assert.deepEqual([...await tokensets.list(world.user.user_id)], []);
  assert.equal((await world.exchange(tokens.refresh_token)).body.reason, 'not_connected');
});

test('node-auth0 4 exchanges an access token, as the API’s client, and names the account', async () => {
  await world.connect(tokens.refresh_token);
  const { oauth } = new AuthenticationClient({ domain, clientId: world.apiClient.client_id, clientSecret: world.apiClient.client_secret });
  // It leaves its own client id out, and only a refresh token names its client.
  const exchange = (hint) => oauth.tokenForConnection({
    client_id: world.apiClient.client_id, connection: world.connection.name, subject_token: tokens.access_token, subject_token_type: tokenTypes.access, login_hint: hint,
  });
  const { data } = await exchange('upstream-user-1');
  assert.equal((await world.upstream.callApi(data.access_token)).body.id, 'upstream-user-1');
  await assert.rejects(exchange('somebody-else'), { error: 'federated_connection_refresh_token_not_found' });
});

test('node-auth0 4 asks the user on another device, and polls', async () => {
  const { backchannel } = new AuthenticationClient({ domain, clientId: world.app.client_id, clientSecret: world.app.client_secret });
  const { auth_req_id: id } = await backchannel.authorize({ userId: world.user.user_id, binding_message: 'Order 40', scope: 'openid' });
  await assert.rejects(backchannel.backchannelGrant({ auth_req_id: id }), { error: 'authorization_pending' });

  const { text } = await world.browser.open(`${issuer}approvals`);
  const [, path] = /href="\/(approvals\/[^"]+)"/.exec(text);
  const answer = { username: world.user.email, password: world.password, consent: 'allow' };
  assert.match(await world.browser.settle(issuer + path, { answer }), /^Approved/);
  assert.ok((await backchannel.backchannelGrant({ auth_req_id: id })).id_token);
});

test('node-auth0 4 reads and changes what a connection is in the vault', async () => {
  const { data } = await legacy.connections.get({ id: world.connection.id });
  assert.equal(data.connected_accounts.active, true);
  await legacy.connections.update({ id: world.connection.id }, { options: { ...data.options, connected_accounts: { active: true } } });
  assert.equal((await world.exchange(tokens.refresh_token)).status, 200);
});

/** The worker's exchange. No SDK of Auth0's sends this form, so it is sent as the documentation has it. */
async function ask(worker, key) {
  const subject = await new SignJWT({ audit_context: 'Trying it' })
    .setProtectedHeader({ alg: 'RS256', typ: 'token-vault-req+jwt' })
    .setIssuer(worker.client_id).setSubject(world.user.user_id).setAudience(issuer).setJti(randomUUID()).setIssuedAt().setExpirationTime('60s')
    .sign(key);
  return send('POST', 'oauth/token', {
    form: {
      grant_type: grantTypes.exchange,
      client_id: worker.client_id,
      client_secret: worker.client_secret,
      subject_token: subject,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      requested_token_type: tokenTypes.vault,
      connection: world.connection.name,
    },
  });
}
