import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAccessLog } from './access-log.ts';
import type { RequestRecord } from './contract.ts';

const now = (): Date => new Date('2026-01-02T03:04:05.678Z');
const record: RequestRecord = {
  ...{ id: 'abc', addr: '192.0.2.1:4000', user: 'alice', method: 'PUT', route: 'upload', status: 201 },
  ...{ path: '/v2/a/blobs/uploads/1?_state=secret&digest=sha256:0', bytesIn: 7, bytesOut: 0, seconds: 0.0123456789 },
  agent: 'docker/28 "quoted"\n',
};

/** The lines that requests leave. */
function linesOf(format: 'text' | 'json', ...records: RequestRecord[]): string[] {
  const lines: string[] = [];
  const log = createAccessLog({ format, fields: { site: 'a' }, write: (line) => void lines.push(line), now });
  for (const one of records) log(one);
  return lines;
}

test('the text format is the combined one, in which nothing breaks a line', () => {
  assert.deepEqual(linesOf('text', record, { ...record, user: '', addr: '[::1]:9', agent: '' }), [
    '192.0.2.1 - alice [02/Jan/2026:03:04:05 +0000] "PUT /v2/a/blobs/uploads/1?_state=...&digest=sha256:0 HTTP/1.1" 201 0 "" "docker/28 \\"quoted\\"\\x0a"\n',
    '[::1] - - [02/Jan/2026:03:04:05 +0000] "PUT /v2/a/blobs/uploads/1?_state=...&digest=sha256:0 HTTP/1.1" 201 0 "" ""\n',
  ]);
});

test('the JSON format has a key for everything, and the fields of the configuration', () => {
  const [line = ''] = linesOf('json', record);
  assert.deepEqual(JSON.parse(line), {
    ...{ time: '2026-01-02T03:04:05.678Z', level: 'info', msg: 'request', id: 'abc', addr: '192.0.2.1:4000' },
    ...{ user: 'alice', method: 'PUT', path: '/v2/a/blobs/uploads/1?_state=...&digest=sha256:0', route: 'upload' },
    ...{ status: 201, bytesIn: 7, bytesOut: 0, duration: 0.012346, agent: record.agent, site: 'a' },
  });
});
