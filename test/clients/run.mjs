// Runs the tests against a server of their own: `node run.mjs [file.test.mjs …]`.
// TOKENVAULT_TEST_COUNTS names a file that then gets the line `passed failed skipped`, and below it the names of what failed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server } from './server.mjs';

// Files at a time: most of a test is waiting, and every test has users, applications and connections of its own.
const atOnce = 4;

// What takes longest, because it builds or waits for something, begins first, so that nothing is waited for at the end.
const longest = ['quickstarts', 'log-streams', 'nextjs-auth0', 'cli-refresh-token', 'cli-worker', 'pages'].map((name) => `${name}.test.mjs`);

const here = fileURLToPath(new URL('.', import.meta.url));
const files = process.argv.length > 2 ? process.argv.slice(2) : await findFiles();

const scratch = await mkdtemp(join(tmpdir(), 'tokenvault-clients-run-'));
const tap = join(scratch, 'results.tap');
const server = new Server();
let tests;
process.once('exit', () => server.kill());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, async () => {
    tests?.kill(signal);
    await server.stop();
    await rm(scratch, { recursive: true, force: true });
    process.exit(1);
  });
}

try {
  await server.start();
  tests = spawn(process.execPath, [
    '--test',
    '--test-timeout=240000',
    `--test-concurrency=${atOnce}`,
    '--test-reporter=spec', '--test-reporter-destination=stdout',
    '--test-reporter=tap', `--test-reporter-destination=${tap}`,
    ...files,
  ], { cwd: here, stdio: 'inherit', env: { ...process.env, ...server.environment } });
  const [code] = await once(tests, 'exit');
  const report = await readFile(tap, 'utf8');
  const counts = count(report);
  if (code !== 0 && counts.failed === 0) {
    counts.failed = 1;
  }

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
