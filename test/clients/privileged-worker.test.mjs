// The recipe of docs/privileged-worker.md, as it is printed there.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bootstrap, expect, grantTypes, issuer, World } from './vault.mjs';

const page = await readFile(new URL('../../docs/privileged-worker.md', import.meta.url), 'utf8');
const run = promisify(execFile);

let world;
let directory;
let environment;

before(async () => {
  world = await World.create();
  const tokens = await world.signIn();
  await world.connect(tokens.refresh_token);
  directory = await mkdtemp(join(tmpdir(), 'tokenvault-recipe-'));
  const management = await expect(200, 'POST', 'oauth/token', {
    json: { grant_type: grantTypes.machine, client_id: bootstrap.client_id, client_secret: bootstrap.client_secret, audience: bootstrap.audience },
  });
  environment = {
    ...process.env,
    CURL_CA_BUNDLE: process.env.NODE_EXTRA_CA_CERTS,
    ISSUER: issuer,
    MANAGEMENT_TOKEN: management.access_token,
    CONNECTION: world.connection.name,
    USER_ID: world.user.user_id,
  };
});

after(async () => {
  await world?.close();
  if (directory !== undefined) {
    await rm(directory, { recursive: true, force: true });
  }
});

for (const [language, command, file] of [['sh', 'sh', 'worker.sh'], ['js', process.execPath, 'worker.mjs']]) {
  test(`the recipe in ${language} makes a worker and is given a token`, async () => {
    const [, code] = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(page);
    await writeFile(join(directory, file), code);
    const { stdout } = await run(command, [file], { cwd: directory, env: environment });
    const answer = JSON.parse(stdout.trim().split('\n').at(-1));
    assert.equal(answer.token_type, 'Bearer');
    assert.equal(answer.issued_token_type, 'http://auth0.com/oauth/token-type/token-vault-access-token');
    assert.ok(answer.access_token);
  });
}
