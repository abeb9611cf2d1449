// docs/quickstarts, page by page: each is run as it is printed, by a reader who has a browser and the variables that the first page asks for.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Browser } from './browser.mjs';
import { findTool, python } from './cli.mjs';
import { isAsShown, readDocument } from './document.mjs';
import { freePort } from './ports.mjs';
import { Upstream } from './upstream.mjs';
import { issuer, manage } from './vault.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const pages = join(here, '../../docs/quickstarts');
const password = 'correct horse battery staple';

// Of a page; what a page runs may have to be built first, beside everything else that the machine does.
const within = 200_000;

const browser = new Browser();
let directory;
let environment;
let upstream;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tokenvault-quickstarts-'));
  upstream = await Upstream.start({ redirectUris: [`${issuer}login/callback/my-provider`] });
  await symlink(join(here, 'node_modules'), join(directory, 'node_modules'));
  const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env;
  environment = {
    ...inherited,
    PATH: `${dirname(await findTool())}:${process.env.PATH}`,
    TOKENVAULT_CONFIG_DIR: join(directory, 'config'),
    BOOTSTRAP: process.env.TOKENVAULT_BOOTSTRAP,
    CALLBACK: `http://localhost:${await freePort()}/callback`,
    PROVIDER: upstream.issuer,
    PROVIDER_CLIENT_ID: upstream.client.id,
    TOKENVAULT_CONNECTION_CLIENT_SECRET: upstream.client.secret,
    PROVIDER_API: upstream.endpoints.api,
    PASSWORD: password,
    TOKENVAULT: join(here, '../..'),
    MSBUILDDISABLENODEREUSE: '1',
    UseSharedCompilation: 'false',
    DOTNET_CLI_USE_MSBUILD_SERVER: '0',
  };
  await follow('README.md');
});

after(async () => {
  await upstream?.stop();
  if (directory !== undefined) {
    await rm(directory, { recursive: true, force: true });
  }
});

// The first of them has what others refer to.
const others = (await readdir(pages)).filter((name) => name.endsWith('.md') && name !== 'README.md' && name !== 'curl.md');
for (const page of ['curl.md', ...others]) {
  test(`${page}, as it is printed`, { timeout: within, skip: page === 'python.md' && !python && 'there is no python3' }, async () => {
    await disconnect();
    const seen = await follow(page);
    assert.match(seen, /Name of upstream-user-1/);
  });
}

/** Does what the page says, and gives all that was seen. */
async function follow(page) {
  const blocks = await readDocument(join(pages, page));
  const seen = [];
  for (const [at, { language, mark, text }] of blocks.entries()) {
    if (mark === 'run') {
      const next = blocks.slice(at + 1);
      const expected = next.slice(0, 1 + next.findIndex((block) => block.mark === 'run') || undefined);
      seen.push(await run(text, expected));
    } else if (mark !== undefined && language !== 'text' && mark !== 'meanwhile') {
      await mkdir(dirname(join(directory, mark)), { recursive: true });
      await writeFile(join(directory, mark), text);
    }
  }

  assert.ok(seen.length > 0, `${page} runs nothing`);
  return seen.join('\n');
}

/** What the reader types, and does when they are asked to; ends with what the page promises. */
async function run(command, blocks) {
  const block = (mark) => blocks.find((other) => other.mark === mark)?.text;
  const reader = spawn('sh', ['-c', command], { cwd: directory, env: environment, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
  let printed = '';
  let complaints = '';
  let inBrowser = '';
  const ended = once(reader, 'close');
  const limit = setTimeout(() => stop(reader), within - 10_000);
  reader.stderr.on('data', (data) => { complaints += data; });
  try {
    for await (const data of reader.stdout) {
      printed += data;
      if (/paste the address.*\n\S+\n$/.test(printed)) {
        reader.stdin.write(`${await browser.visit(printed.trim().split('\n').at(-1), { until: environment.CALLBACK, answer: ann() })}\n`);
      } else if (/press Enter.*\n$/.test(printed)) {
        await run(block('meanwhile'), []);
        reader.stdin.write('\n');
      } else if (block('shows') !== undefined && /^Open (http:\S+)$/m.test(printed)) {
        const text = await browser.settle(/^Open (http:\S+)$/m.exec(printed)[1], { answer: ann() });
        assert.ok(isAsShown(block('shows'), text), `the browser shows ${text}, and the page ${block('shows')}`);
        inBrowser = `${text}\n`;
        stop(reader);
      }
    }

    const [code, signal] = await ended;
    assert.ok(code === 0 || block('shows') !== undefined, `${command}ended with ${code ?? signal}:\n${printed}${complaints}`);
    assert.ok(block('prints') === undefined || isAsShown(block('prints'), printed), `${command}printed\n${printed}and the page shows\n${block('prints')}`);
    return printed + inBrowser;
  } finally {
    clearTimeout(limit);
    stop(reader);
  }
}

/** With whatever it started. */
function stop({ pid, exitCode, signalCode }) {
  if (exitCode === null && signalCode === null) {
    process.kill(-pid, 'SIGTERM');
  }
}

function ann() {
  return { username: 'ann@example.com', password };
}

/** Every page begins with nothing connected. */
async function disconnect() {
  const [{ user_id: id }] = await manage(200, 'GET', 'users-by-email?email=ann@example.com');
  const path = `users/${encodeURIComponent(id)}/federated-connections-tokensets`;
  for (const tokenset of await manage(200, 'GET', path)) {
    await manage(204, 'DELETE', `${path}/${tokenset.id}`);
  }
}
