// The requests that Auth0's CLI and its Terraform provider send, one by one, with their query parameters and bodies: neither tool can be
// pointed at a server with a certificate of its own, so their calls are replayed. The CLI's way through the setup tool is in SetupToolTests.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrap, connectedAccountScopes, domain, expect, grantTypes, issuer, myAccount, send, unique } from './vault.mjs';

const audience = `${issuer}api/v2/`;

/** A tool with a token of its own. */
class Tool {
  constructor(agent, token) {
    this.headers = { 'user-agent': agent };
    this.token = token;
  }

  async call(status, method, path, json) {
    const answer = await send(method, `api/v2/${path}`, { token: this.token, json, headers: this.headers });
    assert.equal(answer.status, status, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }
}

test('auth0 login with a client and its secret: Basic, and the client id in the body as well', async () => {
  const tokens = await expect(200, 'POST', 'oauth/token', {
    form: { grant_type: grantTypes.machine, client_id: bootstrap.client_id, audience },
    headers: { authorization: `Basic ${Buffer.from(`${bootstrap.client_id}:${bootstrap.client_secret}`).toString('base64')}` },
  });
  assert.equal(tokens.token_type, 'Bearer');
  const [header] = tokens.access_token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  assert.equal(JSON.parse(header).alg, 'RS256');
});

async function tool(agent) {
  const { access_token: token } = await expect(200, 'POST', 'oauth/token', {
    json: { grant_type: grantTypes.machine, client_id: bootstrap.client_id, client_secret: bootstrap.client_secret, audience },
  });
  return new Tool(agent, token);
}

const list = 'include_totals=true&page=0&per_page=100';

test('Auth0 CLI: apps', async () => {
  const cli = await tool('Auth0 CLI');
  const app = await cli.call(201, 'POST', 'clients', {
    name: unique('cli'),
    description: 'made by the CLI',
    app_type: 'regular_web',
    callbacks: ['http://localhost:3000/callback'],
    allowed_logout_urls: ['http://localhost:3000'],
    oidc_conformant: true,
    jwt_configuration: { alg: 'RS256' },
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'],
    client_metadata: { made: 'here' },
  });
  assert.match(app.client_id, /^[A-Za-z0-9]{32}$/);
  assert.match(app.client_secret, /^[A-Za-z0-9]{64}$/);

  const listed = await cli.call(200, 'GET', `clients?${list}&is_global=false`);
  assert.deepEqual(Object.keys(listed), ['start', 'limit', 'length', 'total', 'clients']);
  assert.ok(listed.clients.some(({ client_id: id }) => id === app.client_id));

  const shown = await cli.call(200, 'GET', `clients/${app.client_id}`);
  const changed = await cli.call(200, 'PATCH', `clients/${app.client_id}`, { name: unique('renamed'), callbacks: shown.callbacks });
  assert.notEqual(changed.name, shown.name);
  const rotated = await cli.call(200, 'POST', `clients/${app.client_id}/rotate-secret`);
  assert.notEqual(rotated.client_secret, app.client_secret);
  await cli.call(204, 'DELETE', `clients/${app.client_id}`);
  await cli.call(404, 'GET', `clients/${app.client_id}`);
});

test('Auth0 CLI: apis, users, logins of a tenant, and what it reads of its own errors', async () => {
  const cli = await tool('Auth0 CLI');
  const identifier = `https://${unique('cli-api')}.example`;
  const api = await cli.call(201, 'POST', 'resource-servers', {
    name: 'CLI', identifier, allow_offline_access: false, token_lifetime: 86400, signing_alg: 'RS256', scopes: [{ value: 'read:it' }],
  });
  assert.match(api.id, /^[0-9a-f]{24}$/);
  assert.ok((await cli.call(200, 'GET', `resource-servers?${list}`)).resource_servers.some(({ id }) => id === api.id));
  await cli.call(200, 'GET', `resource-servers/${encodeURIComponent(identifier)}`);
  await cli.call(200, 'PATCH', `resource-servers/${api.id}`, { name: 'CLI 2', scopes: [{ value: 'read:it' }, { value: 'write:it' }] });
  await cli.call(204, 'DELETE', `resource-servers/${api.id}`);

  const user = await cli.call(201, 'POST', 'users', {
    connection: 'Username-Password-Authentication', email: `${unique('cli')}@users.example`, password: 'correct horse battery', name: 'Cli User',
  });
  const found = await cli.call(200, 'GET', `users?${list}&q=${encodeURIComponent(`name:"Cli User" AND email:${user.email.slice(0, 8)}*`)}&search_engine=v3&sort=created_at:-1`);
  assert.ok(found.users.some(({ user_id: id }) => id === user.user_id));
  await cli.call(200, 'PATCH', `users/${encodeURIComponent(user.user_id)}`, { blocked: true });
  await cli.call(200, 'GET', `refresh-tokens?user_id=${encodeURIComponent(user.user_id)}&take=100`);
  await cli.call(202, 'POST', 'refresh-tokens/revoke', { user_id: user.user_id });
  await cli.call(204, 'DELETE', `users/${encodeURIComponent(user.user_id)}`);
  assert.ok((await cli.call(200, 'GET', 'tenants/settings')).flags);

  const { access_token: narrow } = await expect(200, 'POST', 'oauth/token', {
    json: {
      grant_type: grantTypes.machine, client_id: bootstrap.client_id, client_secret: bootstrap.client_secret, audience, scope: 'read:clients',
    },
  });
  const refused = await new Tool('Auth0 CLI', narrow).call(403, 'GET', 'users');
  assert.equal(refused.errorCode, 'insufficient_scope');
  assert.deepEqual(refused.message.split('Insufficient scope, expected any of: '), ['', 'read:users']);
});

test('Auth0 CLI: logs', async () => {
  const cli = await tool('Auth0 CLI');
  const { client_id: id } = await cli.call(201, 'POST', 'clients', { name: unique('logged') });
  const { client_id: next } = await cli.call(201, 'POST', 'clients', { name: unique('logged') });
  const [first, ...others] = await cli.call(200, 'GET', `logs?page=0&per_page=10&sort=date%3A-1&q=${encodeURIComponent(`type:sapi AND details.target:"${id}"`)}`);
  assert.deepEqual([first.type, first.details.target, others], ['sapi', id, []]);
  assert.equal((await cli.call(200, 'GET', `logs/${first.log_id}`)).log_id, first.log_id);

  // Other tests may be at work, too.
  const later = await cli.call(200, 'GET', `logs?from=${first.log_id}&take=100`);
  assert.ok(later.some(({ details }) => details?.target === next));
  assert.ok(!later.some(({ log_id: entry }) => entry === first.log_id));
});

test('Auth0 CLI: auth0 api, as the setup tool spawns it', async () => {
  const cli = await tool('Auth0 CLI');
  assert.ok(Array.isArray(await cli.call(200, 'GET', 'connections')));
  const [api] = await cli.call(200, 'GET', `resource-servers?identifier=${encodeURIComponent(myAccount)}`);
  assert.equal(api.identifier, myAccount);
  assert.ok(connectedAccountScopes.every((scope) => api.scopes.some(({ value }) => value === scope)));
  const { client_id: id } = await cli.call(201, 'POST', 'clients', { name: unique('api'), app_type: 'regular_web' });
  const grant = { client_id: id, audience: myAccount, scope: connectedAccountScopes, subject_type: 'user' };
  await cli.call(201, 'POST', 'client-grants', grant);
  assert.match((await cli.call(409, 'POST', 'client-grants', grant)).message, /already exists/);
  assert.equal((await cli.call(200, 'GET', `client-grants?client_id=${id}&audience=${encodeURIComponent(myAccount)}`)).length, 1);
});

test('Terraform: a client, its refresh tokens, an API by its identifier, its scopes and a grant', async () => {
  const terraform = await tool('Go-Auth0/1.32.1');
  const identifier = `https://${unique('tf')}.example/client-grant`;
  const byIdentifier = `resource-servers/${encodeURIComponent(identifier).replace('%3A', ':')}`;
  const api = await terraform.call(201, 'POST', 'resource-servers', {
    name: 'Terraform', identifier, subject_type_authorization: { user: { policy: 'allow_all' }, client: { policy: 'require_client_grant' } },
  });
  const { client_id: id } = await terraform.call(201, 'POST', 'clients', { name: 'Terraform', is_first_party: true, custom_login_page_on: true });
  const read = await terraform.call(200, 'GET', `resource-servers/${api.id}`);
  assert.equal((await terraform.call(200, 'GET', byIdentifier)).id, read.id);
  await terraform.call(200, 'PATCH', byIdentifier, {
    scopes: [{ value: 'create:bar', description: 'Create bars' }, { value: 'create:foo', description: 'Create foos' }],
  });

  const grants = `client-grants?audience=${encodeURIComponent(identifier)}&client_id=${id}&include_totals=true&per_page=50`;
  assert.deepEqual(await terraform.call(200, 'GET', grants), { start: 0, limit: 50, length: 0, total: 0, client_grants: [] });
  const grant = await terraform.call(201, 'POST', 'client-grants', { client_id: id, audience: identifier, scope: ['create:bar'], subject_type: 'user' });
  assert.deepEqual(await terraform.call(200, 'GET', `client-grants/${grant.id}`), grant);
  assert.deepEqual((await terraform.call(200, 'PATCH', `client-grants/${grant.id}`, { scope: [] })).scope, []);

  const settings = {
    rotation_type: 'non-rotating', expiration_type: 'non-expiring', leeway: 60, token_lifetime: 256000, infinite_token_lifetime: true,
    infinite_idle_token_lifetime: true, idle_token_lifetime: 128000,
  };
  const patched = await terraform.call(200, 'PATCH', `clients/${id}`, { name: 'Terraform', app_type: 'spa', refresh_token: settings });
  assert.deepEqual({ ...patched.refresh_token, policies: undefined }, { ...settings, policies: undefined });
  await terraform.call(204, 'DELETE', `client-grants/${grant.id}`);
  await terraform.call(204, 'DELETE', `clients/${id}`);
  await terraform.call(204, 'DELETE', `resource-servers/${api.id}`);
});

test('Terraform: an OpenID Connect connection for connected accounts, which reads back as it was written', async () => {
  const terraform = await tool('Go-Auth0/1.44.0');
  const name = unique('Acceptance-Test-CA');
  const options = {
    client_id: '123456',
    client_secret: '123456',
    discovery_url: 'https://provider.example/.well-known/openid-configuration',
    authorization_endpoint: 'https://provider.example/oauth2/request_auth',
    issuer: 'https://provider.example',
    jwks_uri: 'https://provider.example/openid/v1/certs',
    type: 'back_channel',
    userinfo_endpoint: 'https://provider.example/openid/v1/userinfo',
    token_endpoint: 'https://provider.example/oauth2/get_token',
    scope: 'email openid profile',
  };
  const made = await terraform.call(201, 'POST', 'connections', {
    name, display_name: name, strategy: 'oidc', connected_accounts: { active: true }, options,
  });
  assert.match(made.id, /^con_[A-Za-z0-9]{16}$/);
  const read = await terraform.call(200, 'GET', `connections/${made.id}`);
  for (const [member, value] of Object.entries(options).filter(([member]) => member !== 'client_secret')) {
    assert.equal(read.options[member], value, member);
  }

  const patched = await terraform.call(200, 'PATCH', `connections/${made.id}`, { display_name: name, connected_accounts: { active: false }, options });
  assert.equal(patched.connected_accounts.active, false);

  const { client_id: id } = await terraform.call(201, 'POST', 'clients', { name: unique('tf'), oidc_logout: {} });
  await terraform.call(200, 'PATCH', `connections/${made.id}`, { enabled_clients: [id] });
  const fields = await terraform.call(200, 'GET', `connections/${made.id}?fields=enabled_clients%2Cstrategy%2Cname&include_fields=true`);
  assert.deepEqual(fields, { name, strategy: 'oidc', enabled_clients: [id] });
  assert.deepEqual(await terraform.call(200, 'GET', `connections/${made.id}/clients?take=100`), { clients: [{ client_id: id }] });
  await terraform.call(204, 'PATCH', `connections/${made.id}/clients`, [{ client_id: id, status: false }]);
  await terraform.call(204, 'DELETE', `connections/${made.id}`);
  await terraform.call(204, 'DELETE', `clients/${id}`);
});

test('Terraform: a log stream, which reads back as it was written but for its credential', async () => {
  const terraform = await tool('Go-Auth0/1.44.0');
  const sink = {
    httpAuthorization: 'AKIAXXXXXXXXXXXXXXXX', httpContentFormat: 'JSONLINES', httpContentType: 'application/json', httpEndpoint: 'https://example.com/webhook/logs',
  };
  const stream = { name: unique('Acceptance-Test-LogStream'), type: 'http', status: 'active', sink, filters: [{ type: 'category', name: 'auth.login.fail' }] };
  const made = await terraform.call(201, 'POST', 'log-streams', stream);
  const { httpAuthorization, ...shown } = sink;
  const read = await terraform.call(200, 'GET', `log-streams/${made.id}`);
  assert.deepEqual(read, { id: made.id, ...stream, sink: shown });
  assert.equal(httpAuthorization in read.sink, false);
  await terraform.call(200, 'PATCH', `log-streams/${made.id}`, { ...stream, status: 'paused' });
  await terraform.call(204, 'DELETE', `log-streams/${made.id}`);
});

test('Terraform: what it reads of a user’s connected accounts', async () => {
  const terraform = await tool('Go-Auth0/1.44.0');
  const user = await terraform.call(201, 'POST', 'users', {
    connection: 'Username-Password-Authentication', email: `${unique('tf')}@users.example`, password: 'correct horse battery',
  });
  assert.deepEqual(await terraform.call(200, 'GET', `users/${encodeURIComponent(user.user_id)}/connected-accounts`), { connected_accounts: [] });
  assert.equal(domain, new URL(issuer).host);
});
