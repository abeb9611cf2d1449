// Auth0's SDK for AI agents, unmodified: a tool that is protected by the vault.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { World, domain, tokenTypes } from './vault.mjs';

// Its ES modules import without file extensions, which Node refuses; its CommonJS build is the one that runs.
const require = createRequire(import.meta.url);
const { TokenVaultAuthorizerBase, getAccessTokenFromTokenVault } = require('@auth0/ai/TokenVault');
const { TokenVaultInterrupt } = require('@auth0/ai/interrupts');
const { MemoryStore } = require('@auth0/ai/stores');

let world;
let tokens;

before(async () => {
  world = await World.create();
  tokens = await world.signIn();
});

after(() => world?.close());

/** A tool that calls the provider's API with the token the authorizer got for it. */
function protectedTool(client, subject, scopes) {
  const authorizer = new TokenVaultAuthorizerBase(
    { domain, clientId: client.client_id, clientSecret: client.client_secret },
    { connection: world.connection.name, scopes, store: new MemoryStore(), ...subject });
  return authorizer.protect(
    () => ({ threadID: 'thread', toolName: 'whoami', toolCallID: 'call' }),
    async () => (await world.upstream.callApi(getAccessTokenFromTokenVault())).body);
}

const withRefreshToken = () => ({ refreshToken: async () => tokens.refresh_token });

test('auth0-ai interrupts the tool while nothing is connected', async () => {
  const tool = protectedTool(world.app, withRefreshToken(), ['files:read']);
  await assert.rejects(tool(), (error) => {
    assert.ok(error instanceof TokenVaultInterrupt);
    assert.equal(error.code, 'TOKEN_VAULT_ERROR');
    assert.deepEqual(error.requiredScopes, ['files:read']);
    return true;
  });
});

test('auth0-ai runs the tool with a refresh token', async () => {
  await world.connect(tokens.refresh_token);
  const tool = protectedTool(world.app, withRefreshToken(), ['files:read']);
  assert.equal((await tool()).id, 'upstream-user-1');
});

test('auth0-ai runs the tool with an access token', async () => {
  const subject = { accessToken: async () => tokens.access_token, subjectTokenType: tokenTypes.access };
  const tool = protectedTool(world.apiClient, subject, ['files:read']);
  assert.equal((await tool()).id, 'upstream-user-1');
});

test('auth0-ai asks for the scope that the account does not have', async () => {
  const tool = protectedTool(world.app, withRefreshToken(), ['files:read', 'files:write']);
  await assert.rejects(tool(), (error) => {
    assert.ok(error instanceof TokenVaultInterrupt);
    assert.ok(error.requiredScopes.includes('files:read'));
    assert.ok(error.requiredScopes.includes('files:write'));
    return true;
  });
});
