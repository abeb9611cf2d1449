// Runs the tests against a server of their own: `node run.mjs [file.test.mjs …]`.
// TOKENVAULT_TEST_COUNTS names a file that then gets the line `passed failed skipped`, and below it the names of what failed.

import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec as Spec, tap } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { Server } from './server.mjs';

// Files at a time: most of a test is waiting, and every test has users, applications and connections of its own.
const atOnce = 4;

// What takes longest, because it builds or waits for something, begins first, so that nothing is waited for at the end.
const longest = ['quickstarts', 'log-streams', 'nextjs-auth0', 'cli-refresh-token', 'cli-worker', 'pages'].map((name) => `${name}.test.mjs`);

const here = fileURLToPath(new URL('.', import.meta.url));
const files = process.argv.length > 2 ? process.argv.slice(2) : await findFiles();

const scratch = await mkdtemp(join(tmpdir(), 'tokenvault-clients-run-'));
const results = join(scratch, 'results.tap');
const server = new Server();
const tests = new AbortController();
process.once('exit', () => server.kill());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, async () => {
    tests.abort();
    await server.stop();
    await rm(scratch, { recursive: true, force: true });
    process.exit(1);
  });
}

try {
  await server.start();
  Object.assign(process.env, server.environment);
  process.chdir(here);

  // Not by `node --test`, which goes by the alphabet.
  const stream = run({ files: files.map((file) => join(here, file)), concurrency: atOnce, timeout: 240_000, signal: tests.signal });
  stream.compose(new Spec()).pipe(process.stdout);
  await finished(stream.compose(tap).pipe(createWriteStream(results)));
  const report = await readFile(results, 'utf8');
  const counts = count(report);
  if (counts.failed > 0) {
    console.error(`What the server wrote:\n${server.output}`);
  }

  if (process.env.TOKENVAULT_TEST_COUNTS) {
    await writeFile(process.env.TOKENVAULT_TEST_COUNTS, [`${counts.passed} ${counts.failed} ${counts.skipped}`, ...failures(report), ''].join('\n'));
  }

  process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await server.stop();
  await rm(scratch, { recursive: true, force: true });
}

async function findFiles() {
  const found = (await readdir(here)).filter((name) => name.endsWith('.test.mjs')).sort();
  return [...longest, ...found.filter((name) => !longest.includes(name))];
}

function count(report) {
  const total = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(report)?.[1] ?? 0);
  return { passed: total('pass'), failed: total('fail') + total('cancelled'), skipped: total('skipped') + total('todo') };
}

function failures(report) {
  return [...report.matchAll(/^ *not ok \d+ - (.*?)(?: # .*)?$/gm)].map(([, name]) => `test/clients: ${name}`);
}
