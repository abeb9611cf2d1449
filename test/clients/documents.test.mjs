// The documentation: its links lead somewhere, and the packages that it has readers install are the ones that these tests run.

import assert from 'node:assert/strict';
import { readFile, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readDocument } from './document.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const quickstarts = join(root, 'docs/quickstarts');

async function documents() {
  const within = (folder, recursive) => readdir(join(root, folder), { recursive })
    .then((names) => names.filter((name) => name.endsWith('.md')).map((name) => join(root, folder, name)));
  return [...await within('.', false), ...await within('docs', true), join(root, 'src/TokenVault.Client/README.md')];
}

/** The anchors of a page, as GitHub makes them of its headings. */
async function anchors(path) {
  const text = (await readFile(path, 'utf8')).replace(/^```[^]*?^```$/gm, '');
  return new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N}\-_ ]/gu, '').replaceAll(' ', '-')));
}

test('every link within the documentation leads to a file, and to a heading where it names one', async () => {
  const dead = [];
  let found = 0;
  for (const path of await documents()) {
    const text = (await readFile(path, 'utf8')).replace(/^```[^]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');
    for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) {
        continue;
      }

      found++;
      const [file, anchor] = link.split('#');
      const target = file === '' ? path : resolve(dirname(path), file);
      const there = await stat(target).catch(() => undefined);
      if (there === undefined || (anchor !== undefined && !(await anchors(target)).has(anchor))) {
        dead.push(`${relative(root, path)}: ${link}`);
      }
    }
  }

  assert.deepEqual(dead, []);
  assert.ok(found > 100);
});

test('the quickstarts have readers install the versions that are run here', async () => {
  const named = [];
  for (const page of await readdir(quickstarts)) {
    for (const { language, mark, text } of await readDocument(join(quickstarts, page))) {
      const packages = mark === 'package.json' ? Object.entries(JSON.parse(text).dependencies)
        : language === 'sh' ? [...text.matchAll(/^npm install (.*)$/gm)].flatMap(([, names]) => names.split(' ')).map((name) => name.split(/(?<=.)@/)) : [];
      for (const [name, version] of packages) {
        const installed = JSON.parse(await readFile(join(here, 'node_modules', name, 'package.json'), 'utf8')).version;
        assert.equal(version, installed, `${page}: ${name}`);
        named.push(name);
      }
    }
  }

  assert.ok(named.includes('@auth0/ai-langchain') && named.includes('@auth0/auth0-server-js'));
});

test('the override that LangGraph needs is the one that is installed here', async () => {
  const page = (await readDocument(join(quickstarts, 'langchain.md'))).find(({ mark }) => mark === 'package.json');
  const ours = JSON.parse(await readFile(join(here, 'package.json'), 'utf8'));
  assert.deepEqual(JSON.parse(page.text).overrides, ours.overrides);
});

test('the table of SDKs names the versions that are run here', async () => {
  const table = await readFile(join(root, 'docs/compatibility.md'), 'utf8');
  const { devDependencies } = JSON.parse(await readFile(join(here, 'package.json'), 'utf8'));
  const sdks = Object.entries(devDependencies).filter(([name]) => name.startsWith('@auth0/'));
  assert.deepEqual(sdks.filter(([name, version]) => !new RegExp(`^\\| ${name} \\| ${version.replaceAll('.', '\\.')}\\b`, 'm').test(table)), []);
  assert.ok(sdks.length >= 7);
});
