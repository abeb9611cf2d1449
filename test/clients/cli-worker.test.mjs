// The flavour privileged_worker of `tokenvault setup`, as cli.mjs tries it.

import { test } from 'node:test';
import { atADesk, tryFlavour } from './cli.mjs';

atADesk();

// Its users sign in at it, so that one application shows the whole way.
test('privileged_worker', (t) => tryFlavour(t, 'privileged_worker', ({ user }) => ({ USER_ID: user.user_id }), {
  dotnet: true, more: ['--ip-allowlist', '127.0.0.0/8,::1'],
}));
