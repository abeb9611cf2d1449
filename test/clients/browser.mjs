// A browser as far as these tests need one: it follows redirects, keeps cookies and fills in plain HTML forms.

const maxSteps = 25;

export class Browser {
  #cookies = [];

  /**
   * Goes to `url` and on from there, until the way leads to an address that starts with `until`. That address belongs to
   * the application and is returned instead of fetched. `answer` says what the user types and which button they press.
   */
  async visit(url, { until, answer = {} }) {
    let request = { url: new URL(url), method: 'GET', from: undefined };
    for (let step = 0; step < maxSteps; step++) {
      if (request.url.href.startsWith(until)) {
        return request.url;
      }

      const { redirect, response } = await this.#step(request);
      if (redirect !== undefined) {
        request = redirect;
        continue;
      }

      const page = await response.text();
      request = { ...submit(page, request.url, response.status, answer), from: request.url };
    }

    throw new Error(`still not at ${until} after ${maxSteps} steps; now at ${request.url}`);
  }

  /** As `visit`, to where there is nothing left to answer: the text of that page. */
  async settle(url, { answer = {} }) {
    let request = { url: new URL(url), method: 'GET', from: undefined };
    for (let step = 0; step < maxSteps; step++) {
      const { redirect, response } = await this.#step(request);
      if (redirect !== undefined) {
        request = redirect;
        continue;
      }

      const page = await response.text();
      if (readForm(page) === undefined) {
        return plainText(page);
      }

      request = { ...submit(page, request.url, response.status, answer), from: request.url };
    }

    throw new Error(`too many steps from ${url}`);
  }

  /** The page at `url`, with this browser's cookies and, as a script would, `headers`. Follows redirects; sends no form. */
  async open(url, { headers } = {}) {
    let request = { url: new URL(url), method: 'GET', from: undefined, headers };
    for (let step = 0; step < maxSteps; step++) {
      const { redirect, response } = await this.#step(request);
      if (redirect === undefined) {
        return { url: request.url, status: response.status, headers: response.headers, text: await response.text() };
      }

      request = redirect;
    }

    throw new Error(`too many redirects from ${url}`);
  }

  /** Whoever is at `url` does not know this browser any more. */
  forget(url) {
    this.#cookies = this.#cookies.filter((cookie) => cookie.host !== new URL(url).hostname);
  }

  /** The request that a redirect asks for, or the response that is none. */
  async #step(request) {
    const response = await this.#send(request);
    const location = response.headers.get('location');
    if (location === null || response.status < 300 || response.status >= 400) {
      return { response };
    }

    await response.body?.cancel();
    return { redirect: { url: new URL(location, request.url), method: 'GET', from: request.url }, response };
  }

  async #send({ url, method, body, from, headers: further }) {
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', ...further };
    const crossSite = from !== undefined && from.hostname !== url.hostname;
    headers['sec-fetch-site'] = from === undefined ? 'none' : crossSite ? 'cross-site' : from.origin === url.origin ? 'same-origin' : 'same-site';
    const cookie = this.#cookiesFor(url, method, crossSite);
    if (cookie !== '') {
      headers.cookie = cookie;
    }

    if (method === 'POST') {
      headers['content-type'] = 'application/x-www-form-urlencoded';
      headers.origin = from.origin;
    }

    const response = await fetch(url, { method, headers, body, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      this.#keep(line, url);
    }

    return response;
  }

  #cookiesFor(url, method, crossSite) {
    const now = Date.now();
    this.#cookies = this.#cookies.filter((cookie) => cookie.expires > now);
    return this.#cookies
      .filter((cookie) => cookie.host === url.hostname && (url.pathname === cookie.path || url.pathname.startsWith(cookie.path.replace(/\/?$/, '/'))))
      .filter((cookie) => !cookie.secure || url.protocol === 'https:')
      // SameSite: a redirect chain through another site carries Lax cookies on GET only, and Strict ones never.
      .filter((cookie) => !crossSite || cookie.sameSite === 'none' || (cookie.sameSite === 'lax' && method === 'GET'))
      .map((cookie) => `${cookie.name}=${cookie.value}`)
      .join('; ');
  }

  #keep(line, url) {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim());
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(pair.indexOf('=') + 1);
    const given = Object.fromEntries(attributes.map((attribute) => {
      const [key, ...rest] = attribute.split('=');
      return [key.toLowerCase(), rest.join('=')];
    }));
    const secure = 'secure' in given;
    const path = given.path?.startsWith('/') ? given.path : url.pathname.replace(/\/[^/]*$/, '') || '/';
    if (secure && url.protocol !== 'https:') {
      return;
    }

    if (name.startsWith('__Host-') && (!secure || path !== '/' || 'domain' in given)) {
      throw new Error(`a browser refuses this __Host- cookie: ${line}`);
    }

    const expires = 'max-age' in given
      ? Date.now() + Number(given['max-age']) * 1000
      : 'expires' in given ? Date.parse(given.expires) : Infinity;
    this.#cookies = this.#cookies.filter((cookie) => !(cookie.name === name && cookie.host === url.hostname && cookie.path === path));
    this.#cookies.push({ name, value, host: url.hostname, path, secure, expires, sameSite: (given.samesite ?? 'lax').toLowerCase() });
  }
}

/** The request that the user's answer to this page makes. */
function submit(page, at, status, answer) {
  const form = readForm(page);
  if (form === undefined) {
    throw new Error(`no form at ${at} (${status}): ${plainText(page).slice(0, 300)}`);
  }

  const fields = new URLSearchParams(form.hidden);
  if (form.inputs.has('password')) {
    if (answer.password === undefined) {
      throw new Error(`an unexpected sign-in page at ${at}`);
    }

    if (answer.tried === true) {
      throw new Error(`sign-in was refused at ${at} (${status}): ${plainText(page).slice(0, 300)}`);
    }

    answer.tried = true;
    fields.set('username', answer.username);
    fields.set('password', answer.password);
  } else if (form.buttons.some((button) => button.name === 'action')) {
    fields.set('action', answer.consent ?? 'allow');
  } else if (form.buttons.length > 0 && form.buttons[0].name !== undefined) {
    fields.set(form.buttons[0].name, form.buttons[0].value ?? '');
  }

  const target = new URL(form.action ?? '', at);
  if (form.method === 'post') {
    return { url: target, method: 'POST', body: fields };
  }

  target.search = fields.toString();
  return { url: target, method: 'GET' };
}

function readForm(page) {
  const found = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(page);
  if (found === null) {
    return undefined;
  }

  const own = readAttributes(found[1]);
  const inputs = [...found[2].matchAll(/<input\b([^>]*)>/gi)].map((match) => readAttributes(match[1]));
  const buttons = [...found[2].matchAll(/<button\b([^>]*)>/gi)].map((match) => readAttributes(match[1]));
  return {
    action: own.action,
    method: (own.method ?? 'get').toLowerCase(),
    hidden: inputs.filter((input) => input.type === 'hidden').map((input) => [input.name, input.value ?? '']),
    inputs: new Set(inputs.map((input) => input.name)),
    buttons,
  };
}

function readAttributes(text) {
  const attributes = {};
  for (const [, name, double, single, bare] of text.matchAll(/([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)) {
    attributes[name.toLowerCase()] = unescape(double ?? single ?? bare ?? '');
  }

  return attributes;
}

const entities = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescape(text) {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(amp|lt|gt|quot|apos));/gi, (_, hex, decimal, name) =>
    name !== undefined ? entities[name.toLowerCase()] : String.fromCodePoint(hex !== undefined ? parseInt(hex, 16) : Number(decimal)));
}

function plainText(page) {
  return unescape(page.replace(/<style[\s\S]*?<\/style>|<[^>]*>/gi, ' ')).replace(/\s+/g, ' ').trim();
}
