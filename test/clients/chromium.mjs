// A real browser: the system's Chromium, driven by playwright-core. Without its windows, where it comes so.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const artifacts = process.env.TOKENVAULT_ARTIFACTS ?? fileURLToPath(new URL('../../artifacts/pages', import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Where Chromium is; undefined when there is none. `TOKENVAULT_CHROMIUM` names it elsewhere. */
export const executable = process.env.TOKENVAULT_CHROMIUM
  ?? ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'].map(locate).find((path) => path !== undefined);

/** To be given to `test`: runs where there is a browser, and says why where there is none. */
export const needsChromium = { skip: executable === undefined ? 'Chromium is missing: apt-get install -y chromium' : false };

export function launch() {
  // Its own sandbox refuses to run as root, which a CI container often is.
  return chromium.launch({ executablePath: executable, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/** A new person's window; `problems` collects what the browser complained about. */
export async function open(browser, { javaScript = true, width = 1280, height = 800, colorScheme = 'light' } = {}) {
  const context = await browser.newContext({
    // The server's own authority is not among Chromium's.
    ignoreHTTPSErrors: true,
    javaScriptEnabled: javaScript,
    viewport: { width, height },
    colorScheme,
  });
  const page = await context.newPage();
  const problems = [];
  page.on('console', (message) => message.type() === 'error' && !/status of 4\d\d/.test(message.text()) && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  return { page, problems, close: () => context.close() };
}

/** What axe finds wrong with the page (WCAG 2.2 A and AA: labels, names, contrast, headings, language). */
export async function accessibilityProblems(page) {
  // Through the debugger, which the page's content security policy does not concern.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

export async function keepScreenshot(page, name) {
  mkdirSync(artifacts, { recursive: true });
  await page.screenshot({ path: join(artifacts, `${name}.png`), fullPage: true });
}

function locate(name) {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}
