// An OpenID provider, as a company would run one: provider.mjs PORT PEOPLE, where PEOPLE is a file with their claims.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const [port, people] = process.argv.slice(2);
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const key = (kid, ...how) => ({ ...generateKeyPairSync(...how).privateKey.export({ format: 'jwk' }), kid, use: 'sig' });
const client = (client_id, algorithm) => ({
  client_id,
  id_token_signed_response_alg: algorithm,
  application_type: 'native',
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'none',
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [...algorithms.map((algorithm) => client(`chatty-${algorithm}`, algorithm)), client('other', 'RS256')],
  jwks: { keys: [key('rsa', 'rsa', { modulusLength: 2048 }), key('ec', 'ec', { namedCurve: 'P-256' }), key('ed', 'ed25519')] },
  enabledJWA: { idTokenSigningAlgValues: algorithms },
  features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
  claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
  scopes: ['openid', 'offline_access'],
  conformIdTokenClaims: false, // claims are in the ID token, as Keycloak has them, and not only at another address
  cookies: { keys: ['not a secret'] },
  findAccount: (context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...JSON.parse(readFileSync(people))[id] }),
  }),
});
provider.use(async (context, next) => {
  await next();
  if (context.path === '/device/auth' && context.status === 200) context.body.interval = 0.2;
});
provider.listen(port, '127.0.0.1');
