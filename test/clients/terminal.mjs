// A program in a pseudo-terminal, which a test reads and types into, as a person does. `script` (util-linux) makes the terminal.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

export const enter = '\r';
export const down = '\x1b[B';

const patience = 60_000;
const control = /\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[=>()][0B]?)/g;
const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

export class Terminal {
  #process;
  #raw = '';
  #seen = 0;
  #failure;
  #news = () => {};

  constructor(program, args, { cwd, env }) {
    const command = ['stty cols 200 rows 50; exec', ...[program, ...args].map(quoted)].join(' ');
    this.#process = spawn('script', ['-qfec', command, '/dev/null'], { cwd, env: { ...env, TERM: 'xterm-256color', SHELL: '/bin/sh' } });
    this.#process.stdout.setEncoding('utf8');
    this.#process.stdout.on('data', (text) => {
      this.#raw += text;

      // Where is the cursor? A terminal answers that.
      if (text.includes('\x1b[6n')) {
        this.type('\x1b[1;1R');
      }

      this.#news();
    });
    this.#process.on('close', () => this.#news());
    this.#process.on('error', (error) => {
      this.#failure = new Error(`No terminal: script, of util-linux, is needed (${error.message})`);
      this.#news();
    });
  }

  /** What a person sees. */
  get text() {
    return this.#raw.replace(control, '').replaceAll('\r', '');
  }

  /** Waits for one of these, after what was waited for before, and gives the one that came. */
  async see(...texts) {
    const until = Date.now() + patience;
    for (;;) {
      const now = this.text;
      const found = texts.find((text) => now.includes(text, this.#seen));
      if (found !== undefined) {
        this.#seen = now.indexOf(found, this.#seen) + found.length;
        return found;
      }

      if (this.#failure !== undefined) {
        throw this.#failure;
      }

      if (this.#process.exitCode !== null || Date.now() > until) {
        throw new Error(`Never saw “${texts.join('” or “')}” in:\n${now}`);
      }

      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 1000);
        this.#news = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  type(keys) {
    this.#process.stdin.write(keys);
  }

  /** Sees each question, and answers it. */
  async answer(...pairs) {
    for (const [question, keys] of pairs) {
      await this.see(question);
      this.type(keys);
    }
  }

  async end() {
    if (this.#process.exitCode === null) {
      await once(this.#process, 'close');
    }

    return this.#process.exitCode;
  }

  kill() {
    this.#process.kill();
  }
}
