// A port to start a server on.

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that systems hand out by themselves, as LoopbackHttp.FreePort: no connection is given it before its server has it. */
export async function freePort() {
  for (let attempt = 1; ; attempt++) {
    const server = createServer();
    const port = randomInt(12_000, 32_000);
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    } catch (error) {
      if (error.code === 'EADDRINUSE' && attempt < 100) {
        continue;
      }

      throw error;
    }

    server.close();
    await once(server, 'close');
    return port;
  }
}
