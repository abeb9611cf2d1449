// `tokenvault`, as built, from an empty server to a token of oidc-provider: each flavour is set up in a terminal, keys and all, a user signs in
// and connects an account, and what the tool printed (curl, Node.js, Python, .NET) is run as it stands.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseEnv, promisify } from 'node:util';
import * as oauth from 'openid-client';
import { down, enter, Terminal } from './terminal.mjs';
import { issuer, redirectUri, unique, World } from './vault.mjs';
import { Upstream } from './upstream.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
export const titles = ["A user's connected accounts (curl)", 'The exchange (curl)', '.NET', 'Node.js', 'Python'];
export const python = spawnSync('python3', ['--version']).status === 0;

// What builds a program would otherwise stay, and wait for the next one.
const nothingStays = { MSBUILDDISABLENODEREUSE: '1', UseSharedCompilation: 'false', DOTNET_CLI_USE_MSBUILD_SERVER: '0' };

let tool;
let directory;

/** For a file of tests: a desk at which somebody is logged in as the server's first client. */
export function atADesk() {
  before(async () => {
    tool = await findTool();
    directory = await mkdtemp(join(tmpdir(), 'tokenvault-cli-'));
    await symlink(join(here, 'node_modules'), join(directory, 'node_modules'));
    await run(['login', '--bootstrap', process.env.TOKENVAULT_BOOTSTRAP]);
  });

  after(() => rm(directory, { recursive: true, force: true }));
}

const flavours = ['connected_accounts', 'refresh_token_exchange', 'access_token_exchange', 'privileged_worker'];
const oidc = 13;

/** What the tool says when a person sets up. The worker's users sign in at it, which nobody is asked about. */
async function converse(flavour, upstream, { name, folder, audience }) {
  const worker = flavour === 'privileged_worker';
  const terminal = new Terminal(tool, ['setup', '--out', folder, ...worker ? ['--app-type', 'regular'] : []], { cwd: directory, env: toolEnvironment() });
  try {
    await terminal.answer(
      ['What is to be exchanged', down.repeat(flavours.indexOf(flavour)) + enter],
      ['Which application?', enter],
      ['Name of the application:', name + enter],
      ...worker ? [] : [['Type of the application:', enter]],
    );
    if (await terminal.see('Which connections?', 'There are no connections yet.') === 'Which connections?') {
      terminal.type(enter);
    }

    await terminal.answer(
      ['Create a connection?', `y${enter}`],
      ['Which provider?', down.repeat(oidc) + enter],
      ['Name of the connection:', name + enter],
      ['discovery_url:', `${upstream.issuer}/.well-known/openid-configuration${enter}`],
      ['Client id at the provider:', upstream.client.id + enter],
      ['Client secret at the provider:', upstream.client.secret + enter],
      ['Scopes to ask for', `openid,profile,email,offline_access,files:read${enter}`],
      ['Allowed callback URLs', redirectUri + enter],
      ['Allowed logout URLs', `http://127.0.0.1:9/${enter}`],
      ...flavour === 'access_token_exchange'
        ? [['Make the API and the client', `y${enter}`], ['Identifier of the API', audience + enter], ["Name of the API's client:", `Client of ${audience}${enter}`]]
        : [],
      ...worker ? [['Addresses or networks', `127.0.0.0/8,::1${enter}`], ['Authenticate the worker by a key', `n${enter}`]] : [],
      ['Make these changes?', `y${enter}`],
      ['Try it:', `n${enter}`],
    );
    assert.equal(await terminal.end(), 0, terminal.text);
    assert.ok(!terminal.text.includes(upstream.client.secret), 'the secret was shown');
    return terminal.text.split('Try it:')[0];
  } finally {
    terminal.kill();
  }
}

/** Sets up, connects, and runs everything that was printed. `subject` gives the variables that a user's part in it
 * fills; `dotnet`, whether the .NET program is built, which takes a while: one flavour of those that share it is enough. */
export async function tryFlavour(t, flavour, subject, { more = [], audience, dotnet = false } = {}) {
  const name = unique('cli');
  const folder = join(directory, name);
  const world = new World();
  world.upstream = await Upstream.start({ redirectUris: [`${issuer}login/callback/${name}`] });
  try {
    const setup = [
      'setup', '--flavor', flavour, '--app-setup', 'new', '--app-name', name, '--app-type', 'regular', '--callback-urls', redirectUri, '--logout-urls', 'http://127.0.0.1:9/',
      '--create-connection', 'oidc', '--connection-name', name, '--connection-client-id', world.upstream.client.id,
      '--connection-option', `discovery_url=${world.upstream.issuer}/.well-known/openid-configuration`,
      '--connection-scopes', 'openid,profile,email,offline_access,files:read', '--out', folder, ...more,
    ];
    if (flavour === 'privileged_worker') {
      setup.push('--configure-private-key-jwt', 'false');
    }

    const secret = { TOKENVAULT_CONNECTION_CLIENT_SECRET: world.upstream.client.secret };
    const stdout = await converse(flavour, world.upstream, { name, folder, audience });
    assert.match(stdout, new RegExp(`${issuer}login/callback/${name}`));
    await makeUsable(name);
    await signUp(world, name, folder, audience);
    const environment = parseEnv(await readFile(join(folder, '.env'), 'utf8'));
    const tokens = await world.signIn({ scope: 'openid offline_access', audience });
    await world.connect(tokens.refresh_token);

    const printed = sections(stdout);
    const runPrinted = async (command, file, text, variables, ...options) => {
      const own = join(folder, 'printed', file.replace('.', '-'));
      await mkdir(own, { recursive: true });
      await writeFile(join(own, file), text);
      const env = { ...process.env, ...environment, SSL_CERT_FILE: environment.TOKEN_VAULT_CA, ...variables };
      const running = promisify(execFile)(command, [...options, file], { cwd: own, env, timeout: 150_000 });
      running.child.stdin.end();
      return running;
    };
    const variables = await subject({ printed, runPrinted, tokens, name, user: world.user });

    const { access_token: token } = JSON.parse((await runPrinted('sh', 'exchange.sh', printed['The exchange (curl)'], variables)).stdout);
    assert.equal((await world.upstream.callApi(token)).status, 200);
    const node = await runPrinted(process.execPath, 'exchange.mjs', printed['Node.js'], variables);
    assert.match(node.stdout, /files:read.* \d+/);
    await t.test('Python, by its standard library', { skip: !python && 'there is no python3' }, async () => {
      assert.match((await runPrinted('python3', 'exchange.py', printed.Python, variables)).stdout, /files:read.* \d+/);
    });
    if (dotnet) {
      const program = await runPrinted('dotnet', 'exchange.cs', printed['.NET'], { ...variables, ...nothingStays }, 'run');
      assert.match(program.stdout, /files:read.* \d+/);
    }
    assert.match((await run([...setup, '--plan'], secret)).stdout, /nothing to change/);
  } finally {
    await world.close();
  }
}

/** The upstream follows OpenID Connect Core §11: without it offline_access is ignored. */
async function makeUsable(name) {
  const { id } = JSON.parse((await run(['connections', '--json'])).stdout).find((connection) => connection.name === name);
  const body = join(directory, `${name}.json`);
  await writeFile(body, JSON.stringify({ options: { upstream_params: { prompt: { value: 'consent' } } } }));
  await run(['connections', 'update', id, '--body', body]);
}

async function signUp(world, name, folder, audience) {
  const password = join(directory, `${name}.password`);
  await writeFile(password, world.password);
  world.connection = { name };
  world.api = { identifier: audience };
  world.user = JSON.parse((await run(['users', 'create', '--email', `${name}@users.example`, '--password-file', password, '--json'])).stdout);
  const made = parseEnv(await readFile(join(folder, '.env'), 'utf8'));
  world.app = { client_id: made.TOKEN_VAULT_CLIENT_ID, client_secret: made.TOKEN_VAULT_CLIENT_SECRET };
  world.config = await oauth.discovery(new URL(issuer), world.app.client_id, undefined, oauth.ClientSecretPost(world.app.client_secret));
}

function run(args, environment = {}) {
  return promisify(execFile)(tool, args, { cwd: directory, env: { ...toolEnvironment(), ...environment } });
}

const toolEnvironment = () => ({ ...process.env, TOKENVAULT_CONFIG_DIR: join(directory, 'config') });

/** What stands under each title. */
function sections(text) {
  const found = {};
  let title;
  for (const line of text.split('\n')) {
    if (titles.includes(line.trimEnd())) {
      title = line.trimEnd();
      found[title] = '';
    } else if (title !== undefined) {
      found[title] += `${line}\n`;
    }
  }

  return found;
}

/** The one that was built last, in whatever configuration. */
export async function findTool() {
  const built = [];
  for (const configuration of ['Release', 'Debug']) {
    const path = join(here, '../../src/TokenVault.Cli/bin', configuration, 'net10.0', 'tokenvault');
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) {
      built.push({ path, at: found.mtimeMs });
    }
  }

  assert.ok(built.length > 0, 'the tool is not built: dotnet build -c Release');
  return built.sort((one, other) => other.at - one.at)[0].path;
}
