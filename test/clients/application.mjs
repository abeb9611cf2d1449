import { createServer } from 'node:http';
import { once } from 'node:events';

/** The application that the browser comes back to. */
export class Application {
  static async start() {
    const started = new Application();
    started.server = createServer((request, response) => response.setHeader('content-type', 'text/html').end(page(request.url)));
    started.server.listen(0, '127.0.0.1');
    await once(started.server, 'listening');
    started.callback = `http://127.0.0.1:${started.server.address().port}/callback`;
    return started;
  }

  /** The parameters that the browser brought. */
  async arrival(page) {
    await page.waitForURL((url) => url.href.startsWith(this.callback));
    return new URL(page.url()).searchParams;
  }

  complete(of, token, started, code) {
    return of.completeConnect(201, token, started, code, this.callback);
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** What an application shows its user: the sentence that came with an error. */
function page(url) {
  const told = new URL(url, 'http://127.0.0.1').searchParams.get('error_description') ?? 'Welcome back.';
  const text = told.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<!doctype html><html lang="en"><title>Application</title><main><h1>Application</h1><p role="status">${text}</p></main></html>`;
}
