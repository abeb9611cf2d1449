// The tool's flavours for APIs and workers, as cli.mjs tries them.

import { test } from 'node:test';
import { atADesk, tryFlavour } from './cli.mjs';
import { unique } from './vault.mjs';

atADesk();

test('access_token_exchange', (t) => {
  const audience = `https://${unique('cli-api')}.example`;
  return tryFlavour(t, 'access_token_exchange', ({ tokens }) => ({ ACCESS_TOKEN: tokens.access_token }), {
    audience, more: ['--create-api-client', '--api-identifier', audience, '--api-client-name', `Client of ${audience}`],
  });
});

// Its users sign in at it, so that one application shows the whole way.
test('privileged_worker', (t) => tryFlavour(t, 'privileged_worker', ({ user }) => ({ USER_ID: user.user_id }), {
  more: ['--ip-allowlist', '127.0.0.0/8,::1'], dotnet: 'worker.cs',
}));
