// The flavour connected_accounts of `tokenvault setup`, as cli.mjs tries it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atADesk, titles, tryFlavour } from './cli.mjs';

atADesk();

test('connected_accounts', (t) => tryFlavour(t, 'connected_accounts', async ({ printed, runPrinted, tokens, name }) => {
  const { stdout } = await runPrinted('sh', 'accounts.sh', printed[titles[0]], { REFRESH_TOKEN: tokens.refresh_token });
  assert.ok(JSON.parse(stdout).accounts.some(({ connection }) => connection === name));
  return { REFRESH_TOKEN: tokens.refresh_token };
}));
