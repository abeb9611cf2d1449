// Starts the built server on a free port and a data directory of its own, and ends it.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from './ports.mjs';

const startWithin = 60_000;
const stopWithin = 15_000;
const root = fileURLToPath(new URL('../..', import.meta.url));

export class Server {
  #process;
  #output = '';
  #directory;
  #port;
  #mtlsPort;

  /** Starts the process and waits until it serves. Whatever comes of it, `stop` must follow. */
  async start() {
    this.#directory = await mkdtemp(join(tmpdir(), 'tokenvault-clients-'));
    this.#port = await freePort();
    this.#mtlsPort = await freePort();
    await this.#createClientAuthority();
    await this.#launch(this.#port);
    await this.#becomeReady(this.#port);

    const bootstrap = JSON.parse(await readFile(join(this.dataDirectory, 'bootstrap.json'), 'utf8'));
    await writeFile(join(this.#directory, 'ca.pem'), bootstrap.ca_certificate);
  }

  /** What the tests' processes need to know, as environment variables. */
  get environment() {
    return {
      TOKENVAULT_BOOTSTRAP: join(this.dataDirectory, 'bootstrap.json'),
      NODE_EXTRA_CA_CERTS: join(this.#directory, 'ca.pem'),
      TOKENVAULT_CLIENT_CA: join(this.#directory, 'clients'),
    };
  }

  get dataDirectory() {
    return join(this.#directory, 'data');
  }

  /** What the server wrote to its console so far. */
  get output() {
    return this.#output;
  }

  /** Ends the process without a warning, and starts another one on what it has left. */
  async crash() {
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
    await this.#launch(this.#port);
    await this.#becomeReady(this.#port);
  }

  /** Ends the process, at the latest by force, and removes what it stored. */
  async stop() {
    if (this.#process !== undefined && this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, 'exit');
      const force = setTimeout(() => this.#process.kill('SIGKILL'), stopWithin);
      this.#process.kill('SIGTERM');
      await exited;
      clearTimeout(force);
    }

    if (this.#directory !== undefined) {
      await rm(this.#directory, { recursive: true, force: true });
    }
  }

  /** For the `exit` event, where nothing can be awaited. */
  kill() {
    this.#process?.kill('SIGKILL');
  }

  /** The authority of certificates that clients authenticate by: `clients.pem` and `clients.key`. */
  #createClientAuthority() {
    const file = join(this.#directory, 'clients');
    return promisify(execFile)('openssl', [
      'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
      '-subj', '/O=Example/CN=Clients', '-keyout', `${file}.key`, '-out', `${file}.pem`,
    ]);
  }

  async #launch(port) {
    const assembly = await findAssembly();
    this.#process = spawn('dotnet', [assembly], {
      cwd: this.#directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        TokenVault__Issuer: `https://localhost:${port}/`,
        TokenVault__DataDirectory: this.dataDirectory,
        TokenVault__Egress__AllowedNetworks__0: '127.0.0.0/8',
        TokenVault__Egress__AllowedNetworks__1: '::1/128',
        TokenVault__Mtls__Port: `${this.#mtlsPort}`,
        TokenVault__Mtls__Alias: `https://localhost:${this.#mtlsPort}/`,
        TokenVault__Mtls__CertificateAuthorityFile: join(this.#directory, 'clients.pem'),

        // What a silent provider costs a test.
        TokenVault__Egress__AnswerTimeout: '00:00:05',
      },
    });
    const keep = (data) => { this.#output += data; };
    this.#process.stdout.on('data', keep);
    this.#process.stderr.on('data', keep);
  }

  async #becomeReady(port) {
    const until = Date.now() + startWithin;
    const failed = new Promise((_, reject) => this.#process.once('error', reject));
    while (Date.now() < until) {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        throw new Error(`the server ended at its start (exit ${this.#process.exitCode}):\n${this.#output}`);
      }

      if (await Promise.race([isReady(port), failed])) {
        return;
      }

      await new Promise((resolve) => setTimeout(resolve, 100));
    }

    throw new Error(`the server was not ready after ${startWithin / 1000} s:\n${this.#output}`);
  }
}

/** The assembly that was built last, in whatever configuration; `TOKENVAULT_SERVER` names another one. */
async function findAssembly() {
  if (process.env.TOKENVAULT_SERVER) {
    return process.env.TOKENVAULT_SERVER;
  }

  const built = [];
  for (const configuration of ['Release', 'Debug']) {
    const path = join(root, 'src', 'TokenVault.Server', 'bin', configuration, 'net10.0', 'tokenvault-server.dll');
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined) {
      built.push({ path, at: found.mtimeMs });
    }
  }

  if (built.length === 0) {
    throw new Error('the server is not built: dotnet build -c Release');
  }

  return built.sort((one, other) => other.at - one.at)[0].path;
}

/** Before the certificate authority is known, hence without checking the certificate. */
function isReady(port) {
  return new Promise((resolve) => {
    const asked = request({ host: 'localhost', port, path: '/health/ready', rejectUnauthorized: false, agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(false));
    asked.end();
  });
}
