// A log stream's deliveries across a server that is killed in the middle of one.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import { Server } from './server.mjs';

const server = new Server();
let bootstrap;
let token;

before(async () => {
  await server.start();
  bootstrap = JSON.parse(await readFile(server.environment.TOKENVAULT_BOOTSTRAP, 'utf8'));
  const { client_id: id, client_secret: secret, audience } = bootstrap;
  token = (await send('POST', 'oauth/token', { grant_type: 'client_credentials', client_id: id, client_secret: secret, audience })).body.access_token;
});

after(() => server.stop());

/** This server has a certificate authority of its own. */
async function send(method, path, json) {
  const asked = request(new URL(path, bootstrap.issuer), {
    method,
    ca: bootstrap.ca_certificate,
    agent: false,
    headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
  });
  asked.end(json === undefined ? undefined : JSON.stringify(json));
  const [answer] = await once(asked, 'response');
  const text = Buffer.concat(await answer.toArray()).toString();
  return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text) };
}

/** Takes deliveries, or holds them without an answer. */
class Receiver {
  holding = false;
  accepted = [];
  #changes = [];
  #server = createServer(async (incoming, outgoing) => {
    const body = Buffer.concat(await incoming.toArray()).toString();
    const delivery = { body, signature: incoming.headers['tokenvault-signature'], held: this.holding };
    if (!this.holding) {
      this.accepted.push(delivery);
      outgoing.writeHead(204).end();
    }

    this.#changes.splice(0).forEach((told) => told(delivery));
  });

  async start() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${this.#server.address().port}/hook`;
  }

  next() {
    return new Promise((resolve) => this.#changes.push(resolve));
  }

  get entries() {
    return this.accepted.flatMap(({ body }) => body.trim().split('\n').map((line) => JSON.parse(line)));
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

test('a server that is killed in the middle of a delivery goes on with it, and nothing is lost or changes places', async () => {
  const receiver = new Receiver();
  try {
    const { status, body: stream } = await send('POST', 'api/v2/log-streams', {
      name: 'receiver', type: 'http', sink: { httpEndpoint: await receiver.start() }, filters: [{ type: 'category', name: 'management.success' }],
    });
    assert.equal(status, 201);
    const made = [];
    const make = async () => made.push((await send('POST', 'api/v2/clients', { name: `client ${made.length}` })).body.client_id);
    const first = receiver.next();
    await make();
    await first;

    receiver.holding = true;
    const held = receiver.next();
    for (let i = 0; i < 5; i++) {
      await make();
    }

    assert.equal((await held).held, true);
    await server.crash();
    receiver.holding = false;
    for (let i = 0; i < 5; i++) {
      await make();
    }

    const targets = () => [...new Set(receiver.entries.map(({ data }) => data.details.target).filter((target) => made.includes(target)))];
    while (targets().length < made.length) {
      await receiver.next();
    }

    assert.deepEqual(targets(), made);
    for (const { body, signature } of receiver.accepted) {
      const [signed, mac] = signature.split(',v1=');
      assert.equal(createHmac('sha256', stream.signing_secret).update(`${signed}.${body}`).digest('hex'), mac);
    }
  } finally {
    receiver.stop();
  }
});
