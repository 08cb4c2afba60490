import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestRecord } from '../contract.ts';
import { createMetricSet } from './exposition.ts';
import { createServerMetrics } from './server-metrics.ts';

test('counters, gauges and histograms are written as Prometheus reads them', () => {
  const set = createMetricSet();
  const counter = set.counter('requests_total', 'Requests.\nAll of them.');
  counter.add({ code: '200', path: 'a"b\\c\nd' });
  counter.add({ code: '200', path: 'a"b\\c\nd' }, 2);
  const histogram = set.histogram('took_seconds', 'Time.', [0.1, 1]);
  for (const value of [0.1, 0.5, 7]) histogram.observe({ kind: 'x' }, value);
  set.observed('waiting', 'Now.', 'gauge', () => [{ labels: {}, value: 5 }]);
  assert.equal(
    set.text(),
    [
      '# HELP requests_total Requests.\\nAll of them.',
      '# TYPE requests_total counter',
      'requests_total{code="200",path="a\\"b\\\\c\\nd"} 3',
      '# HELP took_seconds Time.',
      '# TYPE took_seconds histogram',
      'took_seconds_bucket{kind="x",le="0.1"} 1',
      'took_seconds_bucket{kind="x",le="1"} 2',
      'took_seconds_bucket{kind="x",le="+Inf"} 3',
      'took_seconds_sum{kind="x"} 7.6',
      'took_seconds_count{kind="x"} 3',
      '# HELP waiting Now.',
      '# TYPE waiting gauge',
      'waiting 5',
      '',
    ].join('\n'),
  );
});

test('methods that clients make up do not make series of their own', () => {
  const metrics = createServerMetrics();
  const record: RequestRecord = {
    ...{ id: '1', addr: '', user: '', path: '/v2/', route: 'base', status: 405, agent: '' },
    ...{ method: 'BREW', bytesIn: 0, bytesOut: 10, seconds: 0.01 },
  };
  metrics.request(record);
  metrics.request({ ...record, method: 'TEA' });
  assert.match(metrics.set.text(), /^registry_http_requests_total\{handler="base",method="other",code="405"\} 2$/m);
  assert.match(metrics.set.text(), /^process_resident_memory_bytes \d+$/m);
});
