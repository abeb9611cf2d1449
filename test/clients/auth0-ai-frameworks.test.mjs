// Auth0's SDKs for agents on Vercel's AI SDK and on LangGraph, unmodified: each way in which they protect a tool.
// docs/quickstarts shows them at work inside an agent; here the tools are called as the frameworks call them.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import { World, domain, grantTypes, issuer, manage, redirectUri, tokenTypes } from './vault.mjs';

// Their ES modules import without file extensions, which Node refuses; their CommonJS builds are the ones that run.
const require = createRequire(import.meta.url);
const vercel = require('@auth0/ai-vercel');
const langchain = require('@auth0/ai-langchain');
const { TokenVaultError } = require('@auth0/ai/interrupts');
const { FederatedConnectionError } = createRequire(require.resolve('@auth0/ai-langchain'))('@auth0/ai/interrupts');
const { tool } = require('@langchain/core/tools');
const { z } = require('zod');

const frameworks = {
  'ai-vercel': {
    wrap: (client, how, options, act) =>
      new vercel.Auth0AI({ auth0: client })[how](options, { description: 'whoami', inputSchema: z.object({}), execute: act }),
    call: (wrapped) => vercel.runWithAIContext({ threadID: 'thread' }, () => wrapped.execute({}, { toolCallId: 'call', messages: [] })),
    interrupt: (error) => error,
    vault: ['withTokenVault', vercel.getAccessTokenFromTokenVault, 'TOKEN_VAULT_ERROR', TokenVaultError],
    approval: ['withAsyncAuthorization', vercel.getAsyncAuthorizationCredentials, 'ASYNC_AUTHORIZATION_AUTHORIZATION_PENDING'],
    device: vercel.getDeviceAuthorizerCredentials,
  },
  'ai-langchain': {
    wrap: (client, how, options, act) =>
      new langchain.Auth0AI({ auth0: client })[how](options, tool(act, { name: 'whoami', description: 'whoami', schema: z.object({}) })),
    call: (wrapped) => wrapped.invoke({}, { configurable: { thread_id: 'thread', tool_call_id: 'call' } }),
    interrupt: (error) => error.interrupts[0].value,
    vault: ['withTokenForConnection', langchain.getAccessTokenForConnection, 'FEDERATED_CONNECTION_ERROR', FederatedConnectionError],
    approval: ['withAsyncUserConfirmation', langchain.getCIBACredentials, 'CIBA_AUTHORIZATION_PENDING'],
    device: langchain.getDeviceAuthorizerCredentials,
  },
};
const ciba = 'urn:openid:params:grant-type:ciba';

let television;

before(async () => {
  television = await manage(201, 'POST', 'clients', {
    name: 'Television',
    app_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  });
});

for (const [name, framework] of Object.entries(frameworks)) {
  let world;
  let tokens;
  const application = () => ({ domain, clientId: world.app.client_id, clientSecret: world.app.client_secret });
  const api = () => ({ domain, clientId: world.apiClient.client_id, clientSecret: world.apiClient.client_secret });
  const answer = (consent) => ({ username: world.user.email, password: world.password, consent });

  async function interruptOf(wrapped) {
    const refused = await framework.call(wrapped).then(() => assert.fail('not interrupted'), (error) => error);
    const interrupt = framework.interrupt(refused);
    assert.equal(interrupt.name, 'AUTH0_AI_INTERRUPT', `${refused.stack}`);
    return interrupt;
  }

  function vaulted(client, subject, { scopes = ['files:read'], act } = {}) {
    const [how, token] = framework.vault;
    return framework.wrap(client, how, { connection: world.connection.name, scopes, ...subject },
      act ?? (async () => (await world.upstream.callApi(token())).body.id));
  }

  before(async () => {
    world = await World.create({ app: { grant_types: [grantTypes.code, grantTypes.refresh, grantTypes.exchange, ciba] } });
    tokens = await world.signIn();
  });

  after(() => world?.close());

  test(`${name} interrupts a tool until the account is connected, and runs it then`, async () => {
    const wrapped = vaulted(application(), { refreshToken: async () => tokens.refresh_token });
    const interrupt = await interruptOf(wrapped);
    assert.equal(interrupt.code, framework.vault[2]);
    assert.deepEqual([interrupt.connection, interrupt.requiredScopes], [world.connection.name, ['files:read']]);

    await world.connect(tokens.refresh_token);
    assert.equal(await framework.call(wrapped), 'upstream-user-1');
  });

  test(`${name} runs a tool with the access token that an API got`, async () => {
    const wrapped = vaulted(api(), { accessToken: async () => tokens.access_token, subjectTokenType: tokenTypes.access });
    assert.equal(await framework.call(wrapped), 'upstream-user-1');
  });

  test(`${name} asks for the scope that is missing`, async () => {
    const interrupt = await interruptOf(vaulted(application(), { refreshToken: async () => tokens.refresh_token }, { scopes: ['files:read', 'files:write'] }));
    assert.ok(interrupt.requiredScopes.includes('files:write'));
  });

  test(`${name} interrupts a tool whose provider refuses the token`, async () => {
    const [, , code, ToolError] = framework.vault;
    const act = async () => {
      const { status } = await world.upstream.callApi('a token that the provider does not know');
      throw new ToolError(`The provider answered ${status}.`);
    };
    const interrupt = await interruptOf(vaulted(application(), { refreshToken: async () => tokens.refresh_token }, { act }));
    assert.deepEqual([interrupt.code, interrupt.message], [code, 'The provider answered 401.']);
  });

  test(`${name} lets a tool wait for the user's approval`, async () => {
    const [how, credentials, code] = framework.approval;
    const wrapped = framework.wrap(application(), how, {
      userID: async () => world.user.user_id,
      bindingMessage: async () => 'Order 30',
      scopes: ['openid', 'read:things'],
      audience: world.api.identifier,
      onAuthorizationRequest: 'interrupt',
    }, async () => credentials().accessToken);
    assert.equal((await interruptOf(wrapped)).code, code);

    const { text } = await world.browser.open(`${issuer}approvals`);
    const [, path] = /href="\/(approvals\/[^"]+)"/.exec(text);
    assert.match(await world.browser.settle(issuer + path, { answer: answer('allow') }), /^Approved/);
    assert.equal(JSON.parse(Buffer.from((await framework.call(wrapped)).split('.')[1], 'base64url')).sub, world.user.user_id);
  });

  test(`${name} lets a tool wait for the user of a device`, async () => {
    const wrapped = framework.wrap({ domain, clientId: television.client_id }, 'withDeviceAuthorizationFlow', {
      scopes: ['openid'], audience: world.api.identifier, onAuthorizationRequest: 'interrupt',
    }, async () => framework.device().accessToken);
    const interrupt = await interruptOf(wrapped);
    assert.equal(interrupt.code, 'DEVICE_AUTHORIZATION_PENDING');

    await assert.rejects(new Browser().visit(interrupt.response.verificationUriComplete, { until: redirectUri, answer: answer() }), /Device connected/);
    assert.equal(JSON.parse(Buffer.from((await framework.call(wrapped)).split('.')[1], 'base64url')).sub, world.user.user_id);
  });
}
