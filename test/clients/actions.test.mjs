// The worked example of docs/actions.md, as it is printed there, run and asked as the server asks it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { freePort } from './ports.mjs';

const secret = 'whsec_of-the-test';
let service;
let url;

before(async () => {
  const document = await readFile(new URL('../../docs/actions.md', import.meta.url), 'utf8');
  const [, code] = /```js\n(.*?)```/s.exec(document);
  const port = await freePort();
  url = `http://127.0.0.1:${port}/second-factor`;
  service = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    env: { ...process.env, PORT: `${port}`, ACTION_SECRET: secret },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(service.stdout, 'data');
});

after(() => service.kill());

function ask(protocol, { age = 0, key = secret, change = (text) => text } = {}) {
  const body = JSON.stringify({ id: 'evt_1', trigger: 'post-login', event: { transaction: { protocol, requested_scopes: [] } } });
  const signed = `t=${Math.floor(Date.now() / 1000) - age}`;
  const mac = createHmac('sha256', key).update(`${signed}.${body}`).digest('hex');
  return fetch(url, { method: 'POST', headers: { 'tokenvault-signature': `${signed},v1=${mac}` }, body: change(body) });
}

test('people are asked for a second factor, and nobody else is', async () => {
  const people = await ask('oidc-basic-profile');
  assert.equal(people.headers.get('content-type'), 'application/json');
  assert.deepEqual(await people.json(), { commands: [{ type: 'require_mfa' }] });
  for (const protocol of ['oauth2-refresh-token', 'oauth2-token-exchange', 'oauth2-device-code', 'oidc-ciba']) {
    assert.deepEqual(await (await ask(protocol)).json(), { commands: [] }, protocol);
  }
});

test('what is changed, old, or signed by somebody else is refused', async () => {
  const wrong = [{ change: (body) => `${body} ` }, { age: 301 }, { age: -301 }, { key: 'whsec_other' }];
  for (const how of wrong) {
    assert.equal((await ask('oauth2-refresh-token', how)).status, 401, JSON.stringify(how));
  }

  assert.equal((await fetch(url, { method: 'POST', body: '{}' })).status, 401);
  assert.equal((await fetch(url, { method: 'POST', headers: { 'tokenvault-signature': 't=x,v1=' }, body: '{}' })).status, 401);
});
