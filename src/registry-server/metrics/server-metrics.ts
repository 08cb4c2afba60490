import { readdirSync } from 'node:fs';
import type { RegistryEvent, RequestRecord } from '../contract.ts';
import type { RegistryProxy } from '../proxy/proxy.ts';
import type { Notifier } from '../webhooks/notifier.ts';
import { createMetricSet, type MetricSet, type Sample } from './exposition.ts';

/** What the server counts of itself; names are CNCF distribution's where it counts the same. */
export interface ServerMetrics {
  readonly set: MetricSet;
  request(record: RequestRecord): void;
  event(event: RegistryEvent): void;
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const bytes = [1024, 16_384, 262_144, 4_194_304, 67_108_864, 1_073_741_824];

/** @param notifier the one whose queues are shown, if there is one. */
export function createServerMetrics(notifier?: Notifier): ServerMetrics {
  const set = createMetricSet();
  const requests = set.counter('registry_http_requests_total', 'Requests by what they asked for, method and status.');
  const durations = set.histogram('registry_http_request_duration_seconds', 'How long requests took.', seconds);
  const received = set.histogram('registry_http_request_size_bytes', 'Bytes of the bodies of requests.', bytes);
  const sent = set.histogram('registry_http_response_size_bytes', 'Bytes of the bodies of answers.', bytes);
  const events = set.counter('registry_events_total', 'Pushes, pulls, mounts and deletions.');
  if (notifier) showNotifier(set, notifier);
  showProcess(set);
  return {
    set,
    request({ route, method, status, seconds: took, bytesIn, bytesOut }) {
      const labels = { handler: route, method: methods.has(method) ? method.toLowerCase() : 'other' };
      requests.add({ ...labels, code: String(status) });
      durations.observe(labels, took);
      received.observe(labels, bytesIn);
      sent.observe(labels, bytesOut);
    },
    event: ({ action }) => events.add({ action }),
  };
}

function showNotifier(set: MetricSet, { endpoints }: Notifier): void {
  const each = (read: (endpoint: Notifier['endpoints'][number]) => number) => () =>
    endpoints.map((endpoint): Sample => ({ labels: { endpoint: endpoint.name }, value: read(endpoint) }));
  set.observed(
    'registry_notifications_pending',
    'Events that wait for their receiver.',
    'gauge',
    each(({ queue }) => queue.pending),
  );
  set.observed('registry_notifications_events_total', 'Events by what became of them.', 'counter', () =>
    endpoints.flatMap(({ name: endpoint, queue, counts: { successes, failures, errors } }) =>
      Object.entries({ Successes: successes, Failures: failures, Errors: errors, Dropped: queue.dropped }).map(
        ([type, value]) => ({ labels: { type, endpoint }, value }),
      ),
    ),
  );
  set.observed('registry_notifications_status_total', 'Deliveries by the status of their answer.', 'counter', () =>
    endpoints.flatMap(({ name: endpoint, counts }) =>
      [...counts.statuses].map(([code, value]) => ({ labels: { code: String(code), endpoint }, value })),
    ),
  );
}

/** How often the pull-through cache had what was asked for, and what it fetched. */
export function showProxy(set: MetricSet, counts: RegistryProxy['counts']): void {
  const each = (read: (one: RegistryProxy['counts']['blob']) => number) => () =>
    Object.entries(counts).map(([type, one]): Sample => ({ labels: { type }, value: read(one) }));
  const show = (name: string, help: string, read: (one: RegistryProxy['counts']['blob']) => number): void =>
    set.observed(`registry_proxy_${name}_total`, help, 'counter', each(read));
  show(
    'requests',
    'Manifests and blobs that the cache was asked for.',
    ({ hits, misses, stale }) => hits + misses + stale,
  );
  show('hits', 'Those that were there.', ({ hits }) => hits);
  show('misses', 'Those that were fetched.', ({ misses }) => misses);
  show('stale', 'Tags that were answered while the upstream was away.', ({ stale }) => stale);
  show('pulled_bytes', 'Bytes fetched from upstreams.', ({ fetched }) => fetched);
}

function showProcess(set: MetricSet): void {
  const one = (value: number): Sample[] => [{ labels: {}, value }];
  const started = Date.now() / 1000 - process.uptime();
  set.observed('process_start_time_seconds', 'When the server was started, since the epoch.', 'gauge', () =>
    one(started),
  );
  set.observed('process_cpu_seconds_total', 'Processor time, of user and system.', 'counter', () => {
    const { user, system } = process.cpuUsage();
    return one((user + system) / 1e6);
  });
  set.observed('process_resident_memory_bytes', 'Memory in use.', 'gauge', () => one(process.memoryUsage.rss()));
  set.observed('process_open_fds', 'Open file descriptors.', 'gauge', () => one(readdirSync('/proc/self/fd').length));
}
