// A page of the documentation as these tests read it. A fence's info string says what is in it, after the language: a file's name, to be
// written; `run`, what the reader types; `meanwhile`, what they type elsewhere while that waits; `prints` or `shows`, what they see then in
// the terminal or the browser, with … for whatever stands there.

import { readFile } from 'node:fs/promises';

const fence = /^```(\w+)(?: +(\S+))?\n([^]*?)^```$/gm;

/** The marked fences in their order: `{ language, mark, text }`. */
export async function readDocument(path) {
  const text = await readFile(path, 'utf8');
  return [...text.matchAll(fence)].map(([, language, mark, code]) => ({ language, mark, text: code }));
}

/** Whether `text` is what the page shows. */
export function isAsShown(shown, text) {
  const pattern = shown.trim().split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*?');
  return new RegExp(`^${pattern}$`).test(text.trim());
}
