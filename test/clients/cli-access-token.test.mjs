// The flavour access_token_exchange of `tokenvault setup`, as cli.mjs tries it.

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
