// Run it with: node --env-file={{env}} {{node_ca}}
import { createSign, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';

const { TOKEN_VAULT_ISSUER: issuer, TOKEN_VAULT_CLIENT_ID: id, USER_ID, ...env } = process.env;
function jwt(typ, claims, keyFile) {
  const now = Math.floor(Date.now() / 1000);
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const input = `${encode({ alg: 'RS256', typ })}.${encode({ iss: id, aud: issuer, jti: randomUUID(), iat: now, exp: now + 60, ...claims })}`;
  return `${input}.${createSign('sha256').update(input).sign(readFileSync(keyFile), 'base64url')}`;
}
const response = await fetch(`${issuer}oauth/token`, {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token',
    subject_token: jwt('token-vault-req+jwt', { sub: USER_ID, audit_context: 'Trying it' }, env.TOKEN_VAULT_SUBJECT_KEY),
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    requested_token_type: 'http://auth0.com/oauth/token-type/federated-connection-access-token',
    connection: env.TOKEN_VAULT_CONNECTION,
    client_id: id,
    {{node_proof}}
  }),
});
const token = await response.json();
console.log(token.scope ?? token.error, token.expires_in);
