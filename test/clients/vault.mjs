// The vault as its operator and its applications see it: the wire, nothing else.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import * as oauth from 'openid-client';
import { Browser } from './browser.mjs';
import { Upstream } from './upstream.mjs';

export const grantTypes = {
  code: 'authorization_code',
  refresh: 'refresh_token',
  machine: 'client_credentials',
  exchange: 'urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token',
};

export const tokenTypes = {
  refresh: 'urn:ietf:params:oauth:token-type:refresh_token',
  access: 'urn:ietf:params:oauth:token-type:access_token',
  vault: 'http://auth0.com/oauth/token-type/federated-connection-access-token',
};

export const connectedAccountScopes = ['create', 'read', 'delete'].map((verb) => `${verb}:me:connected_accounts`);

/** The server that `run.mjs` started. */
export const bootstrap = JSON.parse(readFileSync(process.env.TOKENVAULT_BOOTSTRAP, 'utf8'));

export const { issuer, domain } = bootstrap;

export const myAccount = `${issuer}me/`;

export const redirectUri = 'http://127.0.0.1:9/callback';

/** A name that no other test uses. */
export const unique = (prefix) => `${prefix}-${randomBytes(5).toString('hex')}`;

/** A request to the server; the answer's body is parsed when it is JSON. */
export async function send(method, path, { token, json, form, headers } = {}) {
  const response = await fetch(new URL(path, issuer), {
    method,
    redirect: 'manual',
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: json !== undefined ? JSON.stringify(json) : form !== undefined ? new URLSearchParams(form) : undefined,
  });
  const text = await response.text();
  const isJson = /^application\/(problem\+)?json\b/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}

/** As `send`, and the status must be the expected one. */
export async function expect(status, method, path, options) {
  const answer = await send(method, path, options);
  assert.equal(answer.status, status, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
}

let managementToken;

/** A call of the Management API as the machine client of `bootstrap.json`. */
export async function manage(status, method, path, json) {
  managementToken ??= expect(200, 'POST', 'oauth/token', {
    json: {
      grant_type: grantTypes.machine,
      client_id: bootstrap.client_id,
      client_secret: bootstrap.client_secret,
      audience: bootstrap.audience,
    },
  }).then((body) => body.access_token);
  return expect(status, method, `api/v2/${path}`, { token: await managementToken, json });
}

/**
 * What a test needs to be a world of its own: a provider, a connection to it, an API, an application, the API's own client
 * and a user with a browser.
 */
export class World {
  browser = new Browser();
  password = randomBytes(12).toString('base64url');

  static async create({ strategy = 'oidc', app = {}, scope, signIn = false } = {}) {
    const world = new World();
    const name = unique('upstream');
    world.connection = { name };
    world.upstream = await Upstream.start({ redirectUris: [`${issuer}login/callback/${name}`] });
    try {
      await world.#createApi();
      await world.#createClients(app);
      await world.#createConnection(strategy, scope, signIn);
      await world.#createUser();
      const { client_id: id, client_secret: secret } = world.app;
      const authentication = world.app.token_endpoint_auth_method === 'none' ? oauth.None() : oauth.ClientSecretPost(secret);
      world.config = await oauth.discovery(new URL(issuer), id, undefined, authentication);
      return world;
    } catch (error) {
      await world.upstream.stop();
      throw error;
    }
  }

  close() {
    return this.upstream.stop();
  }

  /** Signs the user in at the application and gives what the token endpoint answered. An undefined parameter is left out. */
  async signIn(parameters = {}, { browser = this.browser, config = this.config, consent } = {}) {
    const verifier = oauth.randomPKCECodeVerifier();
    const [state, nonce] = [oauth.randomState(), oauth.randomNonce()];
    const wanted = {
      redirect_uri: redirectUri,
      scope: 'openid profile email offline_access read:things',
      audience: this.api.identifier,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...parameters,
    };
    const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
    const url = oauth.buildAuthorizationUrl(config, given);
    const back = await browser.visit(url, { until: redirectUri, answer: this.#credentials(consent) });
    return oauth.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce });
  }

  /** An access token for the My Account API, got with the refresh token. */
  async myAccountToken(refreshToken, scopes = connectedAccountScopes) {
    const tokens = await oauth.refreshTokenGrant(this.config, refreshToken, { audience: myAccount, scope: scopes.join(' ') });
    return tokens.access_token;
  }

  /** Connects the user's account at the provider: start, the browser's leg, completion. Gives the connected account. */
  async connect(refreshToken, { scopes } = {}) {
    const token = await this.myAccountToken(refreshToken);
    const started = await this.startConnect(token, { scopes });
    const back = await this.followConnect(started);
    assert.equal(back.searchParams.get('error'), null, `${back}`);
    return this.completeConnect(201, token, started, back.searchParams.get('connect_code'));
  }

  async startConnect(token, { scopes, redirectUri: returnTo = redirectUri } = {}) {
    const verifier = oauth.randomPKCECodeVerifier();
    const state = oauth.randomState();
    const body = await expect(201, 'POST', 'me/v1/connected-accounts/connect', {
      token,
      json: {
        connection: this.connection.name,
        redirect_uri: returnTo,
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(scopes === undefined ? {} : { scopes }),
      },
    });
    return { ...body, verifier, state };
  }

  /** The browser's way to the provider and back to the application. */
  async followConnect({ connect_uri: uri, connect_params: parameters, state }, browser = this.browser) {
    const back = await browser.visit(`${uri}?ticket=${encodeURIComponent(parameters.ticket)}`, { until: redirectUri, answer: this.#credentials() });
    assert.equal(back.searchParams.get('state'), state);
    return back;
  }

  completeConnect(status, token, { auth_session: session, verifier }, code, returnTo = redirectUri) {
    return expect(status, 'POST', 'me/v1/connected-accounts/complete', {
      token,
      json: { auth_session: session, connect_code: code, redirect_uri: returnTo, code_verifier: verifier },
    });
  }

  /** The exchange as the application sends it: with a refresh token. */
  exchange(refreshToken, { as = 'form', ...extra } = {}) {
    return this.#exchange(this.app, tokenTypes.refresh, refreshToken, as, extra);
  }

  /** The exchange as the API sends it: with the access token that came in. */
  exchangeAccessToken(accessToken, { as = 'form', ...extra } = {}) {
    return this.#exchange(this.apiClient, tokenTypes.access, accessToken, as, extra);
  }

  #exchange(client, subjectTokenType, subjectToken, as, extra) {
    return send('POST', 'oauth/token', {
      [as]: {
        grant_type: grantTypes.exchange,
        client_id: client.client_id,
        ...(client.token_endpoint_auth_method === 'none' ? {} : { client_secret: client.client_secret }),
        subject_token: subjectToken,
        subject_token_type: subjectTokenType,
        requested_token_type: tokenTypes.vault,
        connection: this.connection.name,
        ...extra,
      },
    });
  }

  #credentials(consent) {
    return { username: this.user.email, password: this.password, consent };
  }

  async #createApi() {
    this.api = await manage(201, 'POST', 'resource-servers', {
      name: 'Things',
      identifier: `https://${unique('api')}.example/`,
      scopes: [{ value: 'read:things', description: 'Read things' }],
      allow_offline_access: true,
    });
  }

  async #createClients(app) {
    this.app = await manage(201, 'POST', 'clients', {
      name: unique('app'),
      app_type: 'regular_web',
      callbacks: [redirectUri],
      allowed_logout_urls: ['http://127.0.0.1:9/signed-out'],
      grant_types: [grantTypes.code, grantTypes.refresh, grantTypes.exchange],
      token_endpoint_auth_method: 'client_secret_post',
      is_first_party: true,
      oidc_conformant: true,
      refresh_token: {
        rotation_type: 'non-rotating',
        expiration_type: 'non-expiring',
        policies: [{ audience: myAccount, scope: connectedAccountScopes }],
      },
      ...app,
    });
    await manage(201, 'POST', 'client-grants', {
      client_id: this.app.client_id,
      audience: myAccount,
      scope: connectedAccountScopes,
      subject_type: 'user',
    });
    this.apiClient = await manage(201, 'POST', 'clients', {
      name: unique('api-client'),
      app_type: 'resource_server',
      resource_server_identifier: this.api.identifier,
      grant_types: [grantTypes.exchange],
      token_endpoint_auth_method: 'client_secret_post',
      is_first_party: true,
      oidc_conformant: true,
    });
  }

  async #createConnection(strategy, scope, signIn) {
    const { upstream } = this;
    const credentials = { client_id: upstream.client.id, client_secret: upstream.client.secret };
    const options = strategy === 'oidc'
      ? {
        ...credentials,
        discovery_url: `${upstream.issuer}/.well-known/openid-configuration`,
        scope: scope ?? 'openid profile email offline_access files:read',
        // The upstream follows OpenID Connect Core §11: without it offline_access is ignored.
        upstream_params: { prompt: { value: 'consent' } },
      }
      : {
        ...credentials,
        authorizationURL: upstream.endpoints.authorization,
        tokenURL: upstream.endpoints.token,
        userInfoURL: upstream.endpoints.api,
        revocationURL: upstream.endpoints.revocation,
        scope: scope ?? 'files:read',
      };
    this.connection = await manage(201, 'POST', 'connections', {
      name: this.connection.name,
      strategy,
      options,
      authentication: { active: signIn },
      connected_accounts: { active: true },
    });
    await this.#enable(this.connection.id);

    const [database] = await manage(200, 'GET', 'connections?name=Username-Password-Authentication');
    await this.#enable(database.id);
  }

  #enable(connectionId) {
    return manage(204, 'PATCH', `connections/${connectionId}/clients`, [
      { client_id: this.app.client_id, status: true },
      { client_id: this.apiClient.client_id, status: true },
    ]);
  }

  async #createUser() {
    this.user = await manage(201, 'POST', 'users', {
      connection: 'Username-Password-Authentication',
      email: `${unique('user')}@users.example`,
      password: this.password,
    });
  }
}
