import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import type { Ask } from './authorized.ts';
import { uploadBlob } from './upload.ts';

const blob = { digest: 'sha256:x', size: 3, open: () => Readable.from([Buffer.from('abc')]) };
const events = { sent: () => {}, retry: () => {} };

/** Uploads to a registry at `url` that answers the beginning with a location. */
async function upload(url: string, location: string | undefined): Promise<string[]> {
  const asked: string[] = [];
  const ask: Ask = async (path, { method, accepted = [] }) => {
    asked.push(`${method} ${path}`);
    const body = Readable.from([]) as unknown as IncomingMessage;
    body.headers = { 'content-length': '0' };
    const headers = method === 'POST' && location !== undefined ? { location } : {};
    return { status: accepted[0] ?? 0, headers, url: new URL(url), origin: new URL(url).origin, body };
  };
  const retry = { attempts: 1, firstDelay: 0, longestDelay: 0 };
  const context = { name: 'app', registry: 'box.test' };
  const deps = { ask, path: 'app', context, retry, hasBlob: async () => false };
  await uploadBlob(deps, blob, events, new AbortController().signal);
  return asked;
}

const begun = 'https://box.test/v2/app/blobs/uploads/';

test('goes on where the registry says, on its host or another', async () => {
  assert.deepEqual(await upload(begun, '/v2/app/blobs/uploads/1?state=a'), [
    'POST app/blobs/uploads/',
    'PATCH https://box.test/v2/app/blobs/uploads/1?state=a',
    'PUT https://box.test/v2/app/blobs/uploads/1?state=a&digest=sha256%3Ax',
  ]);
  assert.equal((await upload(begun, 'https://store.test/1'))[2], 'PUT https://store.test/1?digest=sha256%3Ax');
});

test('does not send a blob in the open that is meant to go encrypted', async () => {
  await assert.rejects(upload(begun, 'http://box.test/v2/app/blobs/uploads/1'), {
    code: 'bad-upload',
    message:
      'registry box.test wants blobs sent to box.test without encryption: the proxy in front of it must pass X-Forwarded-Proto on',
  });
  await upload('http://box.test/v2/', 'http://box.test/v2/app/blobs/uploads/1');
});

test('says when the registry does not tell where to', async () => {
  for (const location of [undefined, 'ftp://box.test/', 'http://[']) {
    await assert.rejects(upload(begun, location), { code: 'bad-upload', message: /does not say where to send a blob/ });
  }
});
