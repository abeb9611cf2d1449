// openid-client with tokens that are bound to a DPoP key (RFC 9449), and with a client certificate (RFC 8705).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as oauth from 'openid-client';
import { grantTypes, issuer, manage, redirectUri, send, unique, World } from './vault.mjs';

const openssl = (...words) => promisify(execFile)('openssl', words);
const authority = process.env.TOKENVAULT_CLIENT_CA;
const claims = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));

let world;
let directory;

before(async () => {
  world = await World.create({
    app: {
      app_type: 'spa',
      token_endpoint_auth_method: 'none',
      grant_types: [grantTypes.code, grantTypes.refresh],
      refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring' },
    },
  });
  directory = await mkdtemp(join(tmpdir(), 'tokenvault-certificates-'));
});

after(async () => {
  await world?.close();
  if (directory !== undefined) {
    await rm(directory, { recursive: true, force: true });
  }
});

/** As `World.signIn`, with a DPoP key that the authorization request announces. */
async function signIn(config, DPoP) {
  const verifier = oauth.randomPKCECodeVerifier();
  const state = oauth.randomState();
  const url = oauth.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid email offline_access read:things',
    audience: world.api.identifier,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    dpop_jkt: await DPoP.calculateThumbprint(),
  });
  const back = await world.browser.visit(url, { until: redirectUri, answer: { username: world.user.email, password: world.password } });
  return oauth.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state }, undefined, { DPoP });
}

test('openid-client signs in, refreshes and asks for the user with tokens bound to its DPoP key', async () => {
  const key = await oauth.randomDPoPKeyPair('ES256');
  const DPoP = oauth.getDPoPHandle(world.config, key);
  const tokens = await signIn(world.config, DPoP);
  assert.equal(tokens.token_type, 'dpop');
  assert.equal(claims(tokens.access_token).cnf.jkt, await DPoP.calculateThumbprint());
  const user = await oauth.fetchUserInfo(world.config, tokens.access_token, tokens.claims().sub, { DPoP });
  assert.equal(user.email, world.user.email);

  const refreshed = await oauth.refreshTokenGrant(world.config, tokens.refresh_token, undefined, { DPoP });
  assert.equal(refreshed.token_type, 'dpop');
  assert.equal((await oauth.fetchUserInfo(world.config, refreshed.access_token, user.sub, { DPoP })).sub, user.sub);

  // Whoever finds the tokens without the key has nothing.
  const thief = oauth.getDPoPHandle(world.config, await oauth.randomDPoPKeyPair('ES256'));
  await assert.rejects(oauth.refreshTokenGrant(world.config, refreshed.refresh_token, undefined, { DPoP: thief }), { error: 'invalid_dpop_proof' });
  await assert.rejects(oauth.refreshTokenGrant(world.config, refreshed.refresh_token), { error: 'invalid_dpop_proof' });
  assert.equal((await send('GET', 'userinfo', { token: refreshed.access_token })).status, 401);
});

/** `fetch`, with a client certificate. */
function fetchWith(certificate) {
  return (url, { method, headers, body }) => new Promise((resolve, reject) => {
    const asked = request(url, { method, headers: Object.fromEntries(new Headers(headers)), agent: false, ...certificate }, async (answer) => {
      const chunks = [];
      for await (const chunk of answer) {
        chunks.push(chunk);
      }

      resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode, headers: answer.headers }));
    });
    asked.on('error', reject);
    asked.end(body === undefined || body === null ? undefined : `${body}`);
  });
}

async function issue(subject) {
  const file = join(directory, unique('client'));
  await openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', subject, '-keyout', `${file}.key`, '-out', `${file}.csr`);
  await openssl('x509', '-req', '-in', `${file}.csr`, '-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial', '-CAserial', `${file}.srl`, '-days', '1', '-out', `${file}.pem`);
  return { cert: await readFile(`${file}.pem`), key: await readFile(`${file}.key`) };
}

test('openid-client authenticates by a certificate at the alias, and its token is bound to it', async () => {
  const name = unique('worker');
  const api = await manage(201, 'POST', 'resource-servers', {
    name: 'Bound things',
    identifier: `https://${unique('api')}.example/`,
    scopes: [{ value: 'read:things' }],
    proof_of_possession: { mechanism: 'mtls', required: true },
  });
  const client = await manage(201, 'POST', 'clients', {
    name,
    app_type: 'non_interactive',
    client_authentication_methods: {
      tls_client_auth: { credentials: [{ credential_type: 'cert_subject_dn', subject_dn: `CN=${name}, O=Example` }] },
    },
  });
  await manage(201, 'POST', 'client-grants', { client_id: client.client_id, audience: api.identifier, scope: ['read:things'] });

  const grant = async (certificate) => {
    const metadata = { use_mtls_endpoint_aliases: true };
    const config = await oauth.discovery(new URL(issuer), client.client_id, metadata, oauth.TlsClientAuth(), { [oauth.customFetch]: fetchWith(certificate) });
    return oauth.clientCredentialsGrant(config, { audience: api.identifier });
  };
  const tokens = await grant(await issue(`/O=Example/CN=${name}`));
  assert.equal(tokens.token_type, 'bearer');
  assert.match(claims(tokens.access_token).cnf['x5t#S256'], /^[A-Za-z0-9_-]{43}$/);

  await assert.rejects(grant(await issue('/O=Example/CN=another')), { error: 'invalid_client' });
  await assert.rejects(grant({}), { error: 'invalid_client' });
});
