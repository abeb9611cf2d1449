// The flavour refresh_token_exchange of `tokenvault setup`, as cli.mjs tries it.

import { test } from 'node:test';
import { atADesk, tryFlavour } from './cli.mjs';

atADesk();

test('refresh_token_exchange', (t) => tryFlavour(t, 'refresh_token_exchange', ({ tokens }) => ({ REFRESH_TOKEN: tokens.refresh_token }), { dotnet: true }));
