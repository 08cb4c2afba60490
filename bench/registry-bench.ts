import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { type BenchClient, benchClient, digestOfPieces, pieces } from './registry-client.ts';

// `node bench/registry-bench.ts [--folder FOLDER] [--only TEXT] [--rounds N]`: tug's registry beside Debian's
// docker-registry, on the same disk and with the same client. Each scenario runs on both in turn; medians and ratios.

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string', default: fs.mkdtempSync('/var/tmp/tug-registry-bench-') },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '3' },
    mebibytes: { type: 'string', default: '1024' },
  },
});
const size = Number(options.mebibytes);

interface Server {
  readonly name: string;
  readonly host: string;
  readonly child: ChildProcess;
  readonly root: string;
}

interface Scenario {
  readonly name: string;
  readonly unit: string;
  /** True where more is better. */
  readonly rising: boolean;
  readonly measure: (server: Server, round: number) => Promise<number>;
  readonly once?: true;
}

const concurrency = 8;

async function withClient<T>(
  server: Server,
  work: (client: BenchClient) => Promise<T>,
  sockets = concurrency,
): Promise<T> {
  const client = benchClient(server.host, sockets);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** Milliseconds of each of `count` calls, `concurrency` at a time. */
async function burst(
  count: number,
  call: (index: number) => Promise<unknown>,
): Promise<{ times: number[]; total: number }> {
  const times: number[] = [];
  let next = 0;
  const began = performance.now();
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const start = performance.now();
      await call(index);
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return { times: times.sort((a, b) => a - b), total: performance.now() - began };
}

const perSecond = ({ times, total }: { times: number[]; total: number }): number => (times.length / total) * 1000;
const p99 = ({ times }: { times: number[] }): number => times[Math.floor(times.length * 0.99)] ?? 0;
const last = new Map<string, { times: number[]; total: number }>();

async function smallPushes(server: Server): Promise<number> {
  const contents = Array.from({ length: 1000 }, () => randomBytes(1024));
  const result = await withClient(server, (client) =>
    burst(contents.length, (index) => client.pushBlob('small/push', contents[index] ?? new Uint8Array())),
  );
  last.set(`${server.name} push`, result);
  return perSecond(result);
}

async function smallPulls(server: Server): Promise<number> {
  const digests = await withClient(server, (client) =>
    Promise.all(Array.from({ length: 50 }, () => client.pushBlob('small/pull', randomBytes(1024)))),
  );
  const result = await withClient(server, (client) =>
    burst(5000, (index) => client.pull(`/v2/small/pull/blobs/${digests[index % digests.length]}`)),
  );
  last.set(`${server.name} pull`, result);
  return perSecond(result);
}

const largeDigest = digestOfPieces(size);

async function largePush(server: Server): Promise<number> {
  fs.rmSync(path.join(server.root, 'docker/registry/v2/blobs/sha256', largeDigest.slice(7, 9)), {
    recursive: true,
    force: true,
  });
  const start = performance.now();
  await withClient(server, (client) =>
    client.pushStream('large', largeDigest, size * 1024 * 1024, Readable.from(pieces(size), { highWaterMark: 4 })),
  );
  return size / ((performance.now() - start) / 1000);
}

/** Read by a program of its own that throws everything away, which Node's client would not keep up with. */
async function largePull(server: Server): Promise<number> {
  const start = performance.now();
  await ended(
    spawn('curl', ['-sfo', '/dev/null', `http://${server.host}/v2/large/blobs/${largeDigest}`], { stdio: 'ignore' }),
  );
  return size / ((performance.now() - start) / 1000);
}

async function idlePulls(server: Server): Promise<number> {
  return await withClient(
    server,
    async (client) => {
      const open = await Promise.all(Array.from({ length: 200 }, () => client.begin(`/v2/large/blobs/${largeDigest}`)));
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const memory = rss(server);
      for (const answer of open) answer.destroy();
      return memory;
    },
    200,
  );
}

async function pushImages(server: Server, round: number): Promise<number> {
  const start = performance.now();
  await withClient(
    server,
    (client) =>
      Promise.all(
        Array.from({ length: 64 }, (_, index) =>
          client.pushImage(`many/r${round}i${index}`, [randomBytes(500_000), randomBytes(100_000)]),
        ),
      ),
    64,
  );
  return performance.now() - start;
}

/** Ten thousand repositories as folders, of which the catalog knows; then all of its pages. */
async function catalog(server: Server): Promise<number> {
  const root = path.join(server.root, 'docker/registry/v2/repositories/crowd');
  if (!fs.existsSync(root)) {
    for (let index = 0; index < 10_000; index += 1) {
      fs.mkdirSync(path.join(root, `app-${index}`, '_layers/sha256'), { recursive: true });
      fs.mkdirSync(path.join(root, `app-${index}`, '_manifests/tags/v1'), { recursive: true });
    }
  }
  return await withClient(server, async (client) => {
    const start = performance.now();
    let [next, count]: [string | undefined, number] = ['/v2/_catalog?n=1000', 0];
    while (next) {
      const page = await client.get(next);
      count += (JSON.parse(page.body.toString()) as { repositories: string[] }).repositories.length;
      next = page.link;
    }
    if (count < 10_000) throw new Error(`${server.name} lists ${count}`);
    return performance.now() - start;
  });
}

async function tags(server: Server): Promise<number> {
  return await withClient(server, async (client) => {
    const result = await burst(2000, (index) => client.get(`/v2/crowd/app-${index}/tags/list`));
    return perSecond(result);
  });
}

const recalled =
  (what: string) =>
  async (server: Server): Promise<number> => {
    const result = last.get(`${server.name} ${what}`);
    if (result === undefined) throw new Error(`measure "${what}" before`);
    return p99(result);
  };

const scenarios: readonly Scenario[] = [
  { name: 'push of blobs of 1 KiB, 8 at a time', unit: '/s', rising: true, measure: smallPushes },
  { name: 'push of blobs: p99', unit: 'ms', rising: false, measure: recalled('push') },
  { name: 'pull of blobs of 1 KiB, 8 at a time', unit: '/s', rising: true, measure: smallPulls },
  { name: 'pull of blobs: p99', unit: 'ms', rising: false, measure: recalled('pull') },
  { name: 'push of 1 GiB', unit: 'MiB/s', rising: true, measure: largePush },
  { name: 'pull of 1 GiB', unit: 'MiB/s', rising: true, measure: largePull },
  { name: 'memory with 200 pulls of 1 GiB that wait', unit: 'MB', rising: false, measure: idlePulls, once: true },
  { name: 'push of 64 images at a time', unit: 'ms', rising: false, measure: pushImages },
  { name: 'catalog of 10,000 repositories, by 1,000', unit: 'ms', rising: false, measure: catalog },
  { name: 'tags of repositories, 8 at a time', unit: '/s', rising: true, measure: tags },
  { name: 'memory after all that', unit: 'MB', rising: false, measure: async (server) => rss(server), once: true },
];

function rss({ child }: Server): number {
  const status = fs.readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) =>
    child.once('error', reject).once('close', (code) => (code ? reject(new Error(`ended with ${code}`)) : resolve())),
  );

async function start(name: string, program: readonly string[]): Promise<Server> {
  const root = path.join(options.folder, name);
  const config = path.join(options.folder, `${name}.json`);
  const settings = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: root }, cache: { blobdescriptor: 'inmemory' } },
    http: { addr: '127.0.0.1:0' },
  };
  const quiet =
    name === 'docker-registry' ? { log: { level: 'info', accesslog: { disabled: true } } } : { log: { level: 'info' } };
  fs.writeFileSync(config, JSON.stringify({ ...settings, ...quiet }));
  const [file = '', ...args] = program;
  const child = spawn(file, [...args, 'serve', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
  });
  const host = await new Promise<string>((resolve, reject) => {
    child.once('close', (code) => reject(new Error(`${name} ended with ${code}`)));
    createInterface({ input: child.stderr }).on('line', (line) => {
      const found = /listening on (127\.0\.0\.1:\d+)/.exec(line);
      if (found?.[1]) resolve(found[1]);
    });
  });
  return { name, host, child, root };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const servers = [
  await start('docker-registry', ['docker-registry']),
  await start('tug', [path.join(import.meta.dirname, '../bin/tug-registry')]),
];
try {
  console.log('| work | docker-registry | tug | ratio |\n|---|---|---|---|');
  for (const scenario of scenarios.filter(({ name }) => name.includes(options.only))) {
    const figures = servers.map((): number[] => []);
    for (let round = 0; round < (scenario.once ? 1 : Number(options.rounds)); round += 1) {
      for (const [index, server] of servers.entries()) figures[index]?.push(await scenario.measure(server, round));
    }
    const [theirs = 0, ours = 0] = figures.map(median);
    const ratio = ours / theirs;
    const digits = (value: number) => value.toFixed(value < 10 ? 2 : 0);
    const cells = [theirs, ours].map((value) => `${digits(value)} ${scenario.unit}`);
    console.log(
      `| ${scenario.name} | ${cells.join(' | ')} | ${ratio.toFixed(2)}${scenario.rising ? ' (more is better)' : ''} |`,
    );
  }
} finally {
  for (const { child } of servers) {
    child.removeAllListeners('close');
    child.kill('SIGKILL');
  }
  fs.rmSync(options.folder, { recursive: true, force: true });
}
