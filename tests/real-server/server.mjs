// A server that is independent of this project: npm's `oidc-provider`, certified for OpenID Connect, with rotation of
// refresh tokens and detection of their reuse. It keeps its state in memory and listens on a free port of 127.0.0.1, or
// on the given one. The first line of its output is its URL. It ends with its standard input.
//
// Below /control it offers what a test needs besides the server:
//   /control/sign-in?url=PAGE[&refuse=1]  plays a person with a browser, from the page to the callback, which it returns
//   /control/hold                          from now on holds the answer to a token request
//   /control/held                          answers when an answer is held
//   /control/release                       releases the held answers, and holds no more
//   /control/forget?token=ACCESS_TOKEN     refuses an access token from now on
//   /control/counts                        returns how often each event of the provider happened
import http from 'node:http';
import Provider from 'oidc-provider';

// The scopes of every client; no client has `api:admin`.
const SCOPES = ['openid', 'api:read', 'api:write'];
const client = (client_id, token_endpoint_auth_method, more) => ({
  client_id,
  token_endpoint_auth_method,
  // Characters that the form encoding of HTTP Basic must preserve (RFC 6749 section 2.3.1).
  ...(token_endpoint_auth_method === 'none' ? {} : { client_secret: 's3cr3t +/%:&=' }),
  redirect_uris: ['https://app.example/callback'],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  scope: SCOPES.join(' '),
  ...more,
});

const server = http.createServer();
await new Promise((ready) => server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    client('basic', 'client_secret_basic'),
    client('post', 'client_secret_post'),
    client('public', 'none', { grant_types: ['authorization_code', 'refresh_token'] }),
  ],
  scopes: [...SCOPES, 'api:admin'],
  pkce: { required: () => true },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  cookies: { keys: ['for this run alone'] },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: () => true,
  ttl: { AccessToken: 3600, ClientCredentials: 3600, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600 },
});

const counts = {};
for (const event of ['grant.success', 'grant.error', 'grant.revoked', 'refresh_token.consumed', 'server_error']) {
  provider.on(event, (...about) => {
    counts[event] = (counts[event] ?? 0) + 1;
    if (event === 'server_error') console.error(about[1]);
  });
}

let hold = false;
let held = [];
let waiting = [];
provider.use(async (ctx, next) => {
  await next();
  if (hold && ctx.path === '/token') {
    const released = new Promise((release) => held.push(release));
    waiting.splice(0).forEach((tell) => tell());
    await released;
  }
});

// A person who signs in and consents to all that is asked, or refuses.
async function interact(request, response) {
  const { prompt, params } = await provider.interactionDetails(request, response);
  let result;
  if (request.headers['x-refuse']) {
    result = { error: 'access_denied', error_description: 'The person said <no>' };
  } else if (prompt.name === 'login') {
    result = { login: { accountId: 'guest' } };
  } else {
    const grant = new provider.Grant({ accountId: 'guest', clientId: params.client_id });
    grant.addOIDCScope(params.scope ?? SCOPES.join(' '));
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

// A browser: follows redirects with cookies until one leads away from this server.
async function signIn(page, refuse) {
  const cookies = new Map();
  for (let url = page; ; ) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie, ...(refuse ? { 'x-refuse': '1' } : {}) } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    if (!location) throw new Error(`${url} shows a page with status ${answer.status}: ${await answer.text()}`);
    url = new URL(location, url).href;
    if (!url.startsWith(`${issuer}/`)) return url;
  }
}

async function control(url) {
  switch (url.pathname) {
    case '/control/sign-in':
      return signIn(url.searchParams.get('url'), url.searchParams.get('refuse'));
    case '/control/hold':
      hold = true;
      return '';
    case '/control/held':
      if (held.length === 0) await new Promise((tell) => waiting.push(tell));
      return '';
    case '/control/release':
      hold = false;
      held.splice(0).forEach((release) => release());
      return '';
    case '/control/forget':
      await (await provider.AccessToken.find(url.searchParams.get('token'))).destroy();
      return '';
    case '/control/counts':
      return JSON.stringify(counts);
    default:
      throw new Error(`there is no ${url.pathname}`);
  }
}

const callback = provider.callback();
server.on('request', async (request, response) => {
  const url = new URL(request.url, issuer);
  try {
    if (url.pathname.startsWith('/interaction/')) {
      await interact(request, response);
    } else if (url.pathname.startsWith('/control/')) {
      response.end(await control(url));
    } else {
      await callback(request, response);
    }
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
});

// Only the first line of the output is read; later write errors are ignored.
process.stdout.on('error', () => {});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
console.log(issuer);
