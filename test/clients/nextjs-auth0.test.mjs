// Auth0's SDK for Next.js, unmodified: its server part, with the requests, answers and cookies of the real `next`. Nothing is built: a plain
// HTTP server hands each request to the SDK, as Next.js's middleware does, and three routes do what an application's own would.

import 'next/dist/server/node-environment-baseline.js';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { Auth0Client } from '@auth0/nextjs-auth0/server';
import { generateKeyPair } from 'jose';
import works from 'next/dist/server/app-render/work-async-storage.external.js';
import units from 'next/dist/server/app-render/work-unit-async-storage.external.js';
import { NextRequest, NextResponse } from 'next/server.js';
import { Browser } from './browser.mjs';
import { World, connectedAccountScopes, domain, grantTypes, issuer, manage, myAccount } from './vault.mjs';

const browser = new Browser();
let application;
let base;
let world;

before(async () => {
  application = createServer((request, response) => serve(request, response).catch((error) => response.writeHead(500).end(error.stack)));
  application.listen(0, '127.0.0.1');
  await once(application, 'listening');
  base = `http://localhost:${application.address().port}`;
  world = await World.create({
    app: {
      callbacks: [`${base}/auth/callback`],
      allowed_logout_urls: [base],
      grant_types: [grantTypes.code, grantTypes.refresh, grantTypes.exchange, 'urn:openid:params:grant-type:ciba'],
    },
  });
});

after(async () => {
  await world?.close();
  application?.closeAllConnections();
  application?.close();
});

let client;
let dpop = {};

function sdk() {
  client ??= new Auth0Client({
    // A domain on localhost, or with a port, is for development, and it takes one in this form only.
    domain: `https://${domain}`,
    allowInsecureRequests: true,
    clientId: world.app.client_id,
    clientSecret: world.app.client_secret,
    appBaseUrl: base,
    secret: 'only these tests know this secret, and nothing hangs on it',
    authorizationParameters: { audience: world.api.identifier, scope: 'openid profile email offline_access read:things' },
    enableConnectAccountEndpoint: true,
    signInReturnToPath: '/home',
    ...dpop,
  });
  return client;
}

const routes = {
  '/token': async (request, response) => sdk().getAccessTokenForConnection({ connection: world.connection.name, ...hint(request) }, request, response),
  '/api-token': async (request, response) => sdk().getAccessToken(request, response, { audience: myAccount, scope: connectedAccountScopes[1] }),
  '/accounts': async (request, response) => sdk().getConnectedAccounts(request, response),
  '/disconnect': async (request, response) => sdk().disconnectAccount({ connection: world.connection.name }, request, response),
};

function hint(request) {
  const login = request.nextUrl.searchParams.get('login_hint');
  return login === null ? {} : { login_hint: login };
}

async function serve(request, response) {
  const asked = new NextRequest(new URL(request.url, base), { method: request.method, headers: request.headers });
  const answer = await respond(asked);
  // What begins with x-middleware is between Next.js and its middleware, and never leaves it.
  const headers = [...answer.headers].filter(([name]) => name !== 'set-cookie' && !name.startsWith('x-middleware-'));
  response.writeHead(answer.status, [...headers, ...answer.headers.getSetCookie().map((cookie) => ['set-cookie', cookie])].flat());
  response.end(Buffer.from(await answer.arrayBuffer()));
}

async function respond(request) {
  const { pathname, searchParams } = request.nextUrl;
  if (pathname.startsWith('/auth/') || pathname.startsWith('/me/')) {
    return sdk().middleware(request);
  }

  if (pathname === '/connect-more') {
    return sdk().connectAccount({ connection: world.connection.name, scopes: searchParams.getAll('scopes'), returnTo: '/home' }, request);
  }

  if (routes[pathname] === undefined) {
    return new NextResponse(`at ${pathname}`);
  }

  const kept = new NextResponse();
  try {
    return NextResponse.json(await routes[pathname](request, kept) ?? null, { headers: kept.headers });
  } catch (error) {
    return NextResponse.json({ code: error.code, cause: error.cause?.code, message: error.message }, { status: 400, headers: kept.headers });
  }
}

/** What a route of the application answers this browser. */
async function get(path, status = 200) {
  const answer = await browser.open(base + path);
  assert.equal(answer.status, status, answer.text);
  return JSON.parse(answer.text);
}

const visit = (path) => browser.settle(base + path, { answer: { username: world.user.email, password: world.password } });

test('nextjs-auth0 signs a user in', async () => {
  assert.equal(await visit('/auth/login'), 'at /home');
  assert.equal((await get('/auth/profile')).sub, world.user.user_id);
});

test('nextjs-auth0 is told that nothing is connected', async () => {
  const refused = await get('/token', 400);
  assert.equal(refused.code, 'failed_to_exchange_refresh_token');
  assert.equal(refused.cause, 'federated_connection_refresh_token_not_found');
  assert.deepEqual(await get('/accounts'), []);
});

test('nextjs-auth0 gets a token for the My Account API with its refresh token', async () => {
  const { token, scope } = await get('/api-token');
  assert.ok(scope.split(' ').includes(connectedAccountScopes[1]));
  assert.ok(JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).aud.includes(myAccount));
});

test('nextjs-auth0 connects an account on its own route, and lists it', async () => {
  assert.equal(await visit(`/auth/connect?connection=${world.connection.name}&returnTo=/connected`), 'at /connected');
  const [account, ...others] = await get('/accounts');
  assert.deepEqual([account.connection, others.length], [world.connection.name, 0]);
  assert.match(account.id, /^cac_/);
});

test('nextjs-auth0 gets a token for the connection, and for an account of it', async () => {
  for (const path of ['/token', '/token?login_hint=upstream-user-1']) {
    const { token, scope } = await get(path);
    assert.ok(scope.split(' ').includes('files:read'));
    assert.equal((await world.upstream.callApi(token)).body.id, 'upstream-user-1');
  }

  assert.equal((await get('/token?login_hint=somebody-else', 400)).cause, 'federated_connection_refresh_token_not_found');
});

test('nextjs-auth0 connects with more scopes, by its method', async () => {
  assert.equal(await visit('/connect-more?scopes=openid&scopes=profile&scopes=offline_access&scopes=files:write'), 'at /home');
  const [account] = await get('/accounts');
  assert.ok(account.scopes.includes('files:write'));
});

test('nextjs-auth0 lists accounts beyond a page, by the cursor that it sends', async () => {
  for (let person = 2; person <= 11; person++) {
    world.upstream.user = `upstream-user-${person}`;
    browser.forget(world.upstream.issuer);
    assert.equal(await visit(`/auth/connect?connection=${world.connection.name}&returnTo=/connected`), 'at /connected');
  }

  const accounts = await get('/accounts');
  assert.equal(new Set(accounts.map(({ id }) => id)).size, 11);
});

test('nextjs-auth0 hands the My Account API through to its front end', async () => {
  const answer = await browser.open(`${base}/me/v1/connected-accounts/connections?take=20`, { headers: { scope: connectedAccountScopes[1] } });
  assert.equal(answer.status, 200, answer.text);
  const { connections } = JSON.parse(answer.text);
  assert.ok(connections.some(({ name }) => name === world.connection.name));
});

test('nextjs-auth0 asks the user on another device', async () => {
  const asked = inRequest(() => sdk().getTokenByBackchannelAuth({
    bindingMessage: 'Order 60',
    loginHint: { sub: world.user.user_id },
    authorizationParams: { scope: 'openid read:things', audience: world.api.identifier },
  }));
  let link;
  for (let looked = 0; link === undefined && looked < 100; looked++) {
    [, link] = /href="\/(approvals\/[^"]+)"/.exec((await browser.open(`${issuer}approvals`)).text) ?? [];
  }

  const consent = { username: world.user.email, password: world.password, consent: 'allow' };
  assert.match(await browser.settle(issuer + link, { answer: consent }), /^Approved/);
  const { tokenSet, idTokenClaims } = await asked;
  assert.equal(idTokenClaims.sub, world.user.user_id);
  assert.ok(tokenSet.accessToken);
});

/** Within what Next.js puts around a route handler, where `headers()` is what was sent. */
function inRequest(act) {
  return works.workAsyncStorage.run({ route: '/ask' }, () =>
    units.workUnitAsyncStorage.run({ type: 'request', phase: 'action', headers: new Headers({ host: new URL(base).host }) }, act));
}

test('nextjs-auth0 disconnects', async () => {
  assert.equal(await get('/disconnect'), null);
  assert.deepEqual(await get('/accounts'), []);
  assert.equal((await get('/token', 400)).cause, 'federated_connection_refresh_token_not_found');
});

test('nextjs-auth0 signs out, and revokes its refresh token', async () => {
  const path = `users/${encodeURIComponent(world.user.user_id)}/refresh-tokens`;
  assert.equal((await manage(200, 'GET', path)).tokens.length, 1);
  assert.equal(await visit('/auth/logout'), 'at /');
  assert.deepEqual((await manage(200, 'GET', path)).tokens, []);
  assert.equal((await get('/token', 400)).code, 'missing_session');
});

test('nextjs-auth0 signs in, connects and exchanges with tokens that are bound to its key (DPoP)', async () => {
  client = undefined;
  dpop = { useDPoP: true, dpopKeyPair: await generateKeyPair('ES256', { extractable: true }) };
  assert.equal(await visit('/auth/login'), 'at /home');
  assert.equal(await visit(`/auth/connect?connection=${world.connection.name}&returnTo=/connected`), 'at /connected');
  assert.equal((await world.upstream.callApi((await get('/token')).token)).body.id, world.upstream.user);

  // It lists with the bound token as if it were a bearer's, and such a token is nobody's without its key.
  assert.equal((await get('/accounts', 400)).code, 'failed_to_list');
  assert.match((await get('/disconnect', 400)).code, /^failed_to_/);
});
