// The provider whose accounts users connect: panva's oidc-provider, with rotating refresh tokens, PKCE, userinfo and revocation.

import { createServer } from 'node:http';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

const scopes = ['openid', 'offline_access', 'profile', 'email', 'files:read', 'files:write'];

export class Upstream {
  /** Seconds that the next access tokens live. */
  accessTokenLifetime = 3600;

  /** Who is signed in at the provider's page, and whether they agree. */
  user = 'upstream-user-1';
  decision = 'allow';

  /** How the token endpoint misbehaves: undefined, 'garbage' or 'silence'. */
  fault;

  /** Every refresh that reached the token endpoint: `{ presented, issued, error }`. */
  refreshes = [];

  /** How many tokens were revoked over the revocation endpoint. */
  revocations = 0;

  client = { id: 'vault-at-upstream', secret: randomBytes(24).toString('base64url') };

  // Its own address on the loopback network: a port comes again, and what the server remembers of the provider that had it before
  // (metadata and keys, for an hour) would be believed of this one.
  #host = `127.${randomInt(1, 255)}.${randomInt(0, 256)}.${randomInt(1, 255)}`;
  #server;
  #provider;
  #port;

  static async start({ redirectUris }) {
    const upstream = new Upstream();
    await upstream.#listen(0);
    upstream.#provider = await upstream.#createProvider(redirectUris);
    return upstream;
  }

  get issuer() {
    return `http://${this.#host}:${this.#port}`;
  }

  get endpoints() {
    return {
      authorization: `${this.issuer}/auth`,
      token: `${this.issuer}/token`,
      userinfo: `${this.issuer}/me`,
      revocation: `${this.issuer}/token/revocation`,
      api: `${this.issuer}/api/whoami`,
    };
  }

  /** The refreshes that gave tokens. */
  get granted() {
    return this.refreshes.filter((refresh) => refresh.error === undefined);
  }

  /** What the provider's own API says to the holder of `token`: `{ status, body }`. */
  async callApi(token) {
    const response = await fetch(this.endpoints.api, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: await response.json() };
  }

  async callUserInfo(token) {
    const response = await fetch(this.endpoints.userinfo, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: await response.json() };
  }

  /** The user withdraws, at the provider, what they allowed with the grant behind `accessToken`. */
  async withdraw(accessToken) {
    const token = await this.#provider.AccessToken.find(accessToken);
    const grant = await this.#provider.Grant.find(token.grantId);
    await grant.destroy();
  }

  /** The provider goes away; what it knows stays. */
  async stop() {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** The provider comes back at its address. */
  async resume() {
    await this.#listen(this.#port);
  }

  async #listen(port) {
    this.#server = createServer((request, response) => this.#handle(request, response));
    this.#server.listen(port, this.#host);
    await once(this.#server, 'listening');
    this.#port = this.#server.address().port;
  }

  #handle(request, response) {
    if (this.fault !== undefined && request.url === '/token') {
      if (this.fault === 'garbage') {
        response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sorry</title>');
      }

      // Silence: the caller gives up.
      return;
    }

    if (request.url.startsWith('/interaction/')) {
      this.#interact(request, response).catch((error) => response.writeHead(500).end(error.message));
      return;
    }

    this.#provider.callback()(request, response);
  }

  async #createProvider(redirectUris) {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const provider = new Provider(this.issuer, {
      clients: [{
        client_id: this.client.id,
        client_secret: this.client.secret,
        redirect_uris: redirectUris,
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
      }],
      clientAuthMethods: ['client_secret_post', 'client_secret_basic', 'none'],
      jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'upstream-1', alg: 'RS256', use: 'sig' }] },
      cookies: { keys: [randomBytes(24).toString('base64url')] },
      scopes,
      claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
      findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...profileOf(sub) }) }),
      features: { devInteractions: { enabled: false }, revocation: { enabled: true }, userinfo: { enabled: true } },
      interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
      pkce: { required: () => true },
      rotateRefreshToken: true,
      // Its default lets tokens live on for 15 seconds.
      clockTolerance: 0,
      issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
      // Every authorization stands alone, as if the user agreed anew each time.
      loadExistingGrant: (ctx) => ctx.oidc.result?.consent?.grantId && ctx.oidc.provider.Grant.find(ctx.oidc.result.consent.grantId),
      ttl: {
        AccessToken: () => this.accessTokenLifetime,
        AuthorizationCode: 60,
        Grant: 86_400,
        IdToken: 3600,
        Interaction: 600,
        RefreshToken: 86_400,
        Session: 86_400,
      },
    });

    provider.use(async (ctx, next) => {
      if (ctx.path !== '/api/whoami') {
        await next();
        this.revocations += ctx.path === '/token/revocation' && ctx.status === 200 ? 1 : 0;
        return;
      }

      const token = await provider.AccessToken.find(ctx.get('authorization').replace(/^Bearer /, ''));
      ctx.status = token === undefined ? 401 : 200;
      ctx.body = token === undefined
        ? { message: 'invalid token' }
        : { id: token.accountId, sub: token.accountId, scope: token.scope, ...profileOf(token.accountId) };
    });
    provider.on('grant.success', (ctx) => this.#note(ctx));
    provider.on('grant.error', (ctx, error) => this.#note(ctx, error));
    return provider;
  }

  #note(ctx, error) {
    if (ctx.oidc?.params?.grant_type === 'refresh_token') {
      this.refreshes.push({ presented: ctx.oidc.params.refresh_token, issued: ctx.body?.refresh_token, error: error?.error });
    }
  }

  /** The provider's sign-in and consent, answered at once. */
  async #interact(request, response) {
    const { prompt, params } = await this.#provider.interactionDetails(request, response);
    if (this.decision !== 'allow') {
      await this.#provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'The user said no.' });
      return;
    }

    if (prompt.name === 'login') {
      await this.#provider.interactionFinished(request, response, { login: { accountId: this.user } });
      return;
    }

    const grant = new this.#provider.Grant({ accountId: this.user, clientId: params.client_id });
    grant.addOIDCScope(params.scope ?? '');
    const grantId = await grant.save();
    await this.#provider.interactionFinished(request, response, { login: { accountId: this.user }, consent: { grantId } });
  }
}

function profileOf(sub) {
  return { name: `Name of ${sub}`, email: `${sub}@upstream.example`, email_verified: true };
}
