// npm install @auth0/auth0-auth-js. Run it with: node --env-file={{env}} {{node_ca}}
import { AuthClient } from '@auth0/auth0-auth-js';

const client = new AuthClient({
  domain: process.env.TOKEN_VAULT_DOMAIN,
  clientId: process.env.{{ID}},
  clientSecret: process.env.{{SECRET}},
});
const token = await client.getTokenForConnection({
  connection: process.env.TOKEN_VAULT_CONNECTION,
  {{node_member}}: process.env.{{TOKEN}},
});
console.log(token.scope, token.expiresAt);
