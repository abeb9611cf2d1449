// panva's oidc-provider with an equivalent grant, everything in memory: `node peer.mjs ADDRESS REQUESTS-FILE TOKEN-PREFIX`.
// It authenticates the client, verifies the RS256 signature of the subject token, decrypts 2 KB by AES-256-GCM and answers.

import { createCipheriv, createDecipheriv, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import Provider, { errors } from 'oidc-provider';

const [address, requests, prefix] = process.argv.slice(2);
const grant = 'urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token';
const parameters = ['subject_token', 'subject_token_type', 'requested_token_type', 'connection'];

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const verifyKey = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }));
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const input = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'peer' })}.${encode({
  iss: address, sub: 'auth0|0123456789abcdef01234567', aud: 'https://api.example/', iat: 1, exp: 9999999999, scope: 'read:calendar',
})}`;
const subjectToken = `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;

const key = randomBytes(32);
const nonce = randomBytes(12);
const cipher = createCipheriv('aes-256-gcm', key, nonce);
const sealed = Buffer.concat([cipher.update(prefix + 'x'.repeat(2048 - prefix.length)), cipher.final()]);
const tag = cipher.getAuthTag();

const provider = new Provider(address, {
  clients: [{
    client_id: 'peer', client_secret: 'peer-secret', grant_types: [grant], redirect_uris: [], response_types: [],
    token_endpoint_auth_method: 'client_secret_post',
  }],
  routes: { token: '/oauth/token' },
});

provider.registerGrantType(grant, async (ctx) => {
  const token = ctx.oidc.params.subject_token ?? '';
  const end = token.lastIndexOf('.');
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString() || '{}');
  if (!verify('sha256', Buffer.from(token.slice(0, end)), verifyKey, Buffer.from(token.slice(end + 1), 'base64url')) || claims.exp < Date.now() / 1000) {
    throw new errors.InvalidGrant('subject_token');
  }

  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAuthTag(tag);
  const accessToken = Buffer.concat([decipher.update(sealed), decipher.final()]).toString();
  ctx.body = { access_token: accessToken, token_type: 'Bearer', expires_in: 3600, scope: 'calendar.read calendar.write' };
}, parameters);

writeFileSync(requests, `${new URLSearchParams({
  grant_type: grant, client_id: 'peer', client_secret: 'peer-secret', subject_token: subjectToken,
  subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  requested_token_type: 'http://auth0.com/oauth/token-type/federated-connection-access-token', connection: 'bench',
})}\n`);
const { hostname, port } = new URL(address);
const server = provider.listen(Number(port), hostname);
process.once('SIGTERM', () => process.exit(0));
server.keepAliveTimeout = 60_000;
