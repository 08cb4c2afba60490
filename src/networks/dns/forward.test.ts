import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { type DnsQuery, readQuery } from '../../formats/dns/query.ts';
import { writeResponse } from '../../formats/dns/response.ts';
import { buildQuery, readAnswer } from '../../formats/dns/test-packets.ts';
import { deleteNetworkNamespace } from '../../host/namespaces.ts';
import { createSandbox } from '../../host/sandbox-links.ts';
import type { UpstreamServer } from './contract.ts';
import { type Forwarding, forward, type Patience } from './forward.ts';
import { startUpstream, type TestUpstream } from './test-upstream.ts';

const packet = buildQuery({ id: 77, name: 'web.example' });
function queryOf(bytes: Buffer): DnsQuery {
  const read = readQuery(bytes);
  return read.kind === 'query' ? read.query : assert.fail();
}
const query = queryOf(packet);
/** Longer than a busy machine takes to answer itself. */
const patience: Patience = { next: 10_000, all: 60_000 };
/** For where somebody does not answer. */
const short: Patience = { next: 100, all: 60_000 };

const onHost = ({ address, port }: Pick<TestUpstream, 'address' | 'port'>): UpstreamServer => ({
  address,
  port,
  from: 'host',
});

function ask(
  servers: readonly UpstreamServer[],
  wish: Partial<Forwarding> & { over?: 'udp' | 'tcp'; patience?: Patience } = {},
) {
  const { over = 'udp', patience: chosen = patience, ...rest } = wish;
  return forward(packet, query, over, { servers, namespace: '/proc/self/ns/net', limits: [], ...rest }, chosen);
}

async function recordsOf(servers: readonly UpstreamServer[], over: 'udp' | 'tcp' = 'udp'): Promise<string[]> {
  const answer = (await ask(servers, { over })) ?? assert.fail('no answer');
  assert.equal(readAnswer(answer).id, 77);
  return readAnswer(answer).records;
}

describe('a question that is passed on', () => {
  for (const over of ['udp', 'tcp'] as const) {
    it(`is asked over ${over}, from the host's namespace and from a container's`, async () => {
      await using server = await startUpstream(() => ['192.0.2.1']);
      assert.deepEqual(await recordsOf([onHost(server)], over), ['192.0.2.1']);
      assert.deepEqual(await recordsOf([{ ...onHost(server), from: 'container' }], over), ['192.0.2.1']);
      assert.deepEqual(server.asked, [`${over} web.example`, `${over} web.example`]);
    });

    it(`goes to the next server over ${over} when nobody listens at one`, async () => {
      const gone = await startUpstream(() => 'nothing');
      await gone[Symbol.asyncDispose]();
      await using other = await startUpstream(() => ['192.0.2.1']);
      for (const from of ['host', 'container'] as const)
        assert.deepEqual(await recordsOf([{ ...onHost(gone), from }, onHost(other)], over), ['192.0.2.1']);
    });
  }

  it('is asked over IPv6', async () => {
    await using server = await startUpstream(() => ['192.0.2.6'], { address: '::1' });
    assert.deepEqual(await recordsOf([onHost(server)]), ['192.0.2.6']);
    assert.deepEqual(await recordsOf([{ ...onHost(server), from: 'container' }], 'tcp'), ['192.0.2.6']);
  });

  it('goes to the next server when one is silent, and takes what comes first', async () => {
    await using silent = await startUpstream(() => 'nothing');
    await using other = await startUpstream(() => ['192.0.2.2']);
    const answer = (await ask([onHost(silent), onHost(other)], { patience: short })) ?? assert.fail('no answer');
    assert.deepEqual(readAnswer(answer).records, ['192.0.2.2']);
    assert.ok(other.asked.length >= 1);
  });

  it('goes to the next server when one fails or refuses, and comes back with the refusal if all do', async () => {
    await using failing = await startUpstream(() => 2);
    await using refusing = await startUpstream(() => 5);
    await using good = await startUpstream(() => ['192.0.2.3']);
    assert.deepEqual(await recordsOf([onHost(failing), onHost(refusing), onHost(good)]), ['192.0.2.3']);
    const answer = (await ask([onHost(failing), onHost(refusing)])) ?? assert.fail();
    assert.equal(readAnswer(answer).code, 2);
  });

  it('ends at the first server that says there is no such name', async () => {
    await using first = await startUpstream(() => 3);
    await using second = await startUpstream(() => ['192.0.2.4']);
    assert.equal(readAnswer((await ask([onHost(first), onHost(second)])) ?? assert.fail()).code, 3);
    assert.deepEqual(second.asked, []);
  });

  it('is asked again where the first packet was lost', async () => {
    let count = 0;
    await using server = await startUpstream(() => (++count === 1 ? 'nothing' : ['192.0.2.5']));
    const answer = (await ask([onHost(server)], { patience: short })) ?? assert.fail('no answer');
    assert.deepEqual(readAnswer(answer).records, ['192.0.2.5']);
  });

  it('comes back truncated as it is, for the client to ask over TCP', async () => {
    await using server = await startUpstream(() => 'truncated');
    assert.equal(readAnswer((await ask([onHost(server)])) ?? assert.fail()).truncated, true);
  });

  it('takes no answer to another question', async () => {
    const other = queryOf(buildQuery({ name: 'evil.example' }));
    const wrong = (id: number): Buffer => writeResponse({ ...other, id }, { code: 0, records: [] }, 512);
    await using server = await startUpstream(({ id }) => wrong(id));
    for (const over of ['udp', 'tcp'] as const)
      assert.equal(await ask([onHost(server)], { over, patience: { next: 10, all: 100 } }), undefined);
  });

  it('goes to the next server where one has no route', async () => {
    await using other = await startUpstream(() => ['192.0.2.8']);
    const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-forward-'));
    const namespace = path.join(folder, 'netns');
    createSandbox(namespace)[Symbol.dispose]();
    using held = new DisposableStack();
    held.defer(() => {
      deleteNetworkNamespace(namespace);
      rmSync(folder, { recursive: true });
    });
    const far = ['192.0.2.1', '2001:db8::1'].map((address) => ({ address, port: 53, from: 'container' as const }));
    for (const over of ['udp', 'tcp'] as const) {
      const answer = (await ask([...far, onHost(other)], { over, namespace })) ?? assert.fail('no answer');
      assert.deepEqual(readAnswer(answer).records, ['192.0.2.8']);
    }
  });

  it('is nobody’s when there is no server, none answers, or the namespace is gone', async () => {
    assert.equal(await ask([]), undefined);
    await using silent = await startUpstream(() => 'nothing');
    assert.equal(await ask([onHost(silent)], { patience: { next: 10, all: 50 } }), undefined);
    assert.equal(await ask([{ ...onHost(silent), from: 'container' }], { namespace: '/proc/self/ns/none' }), undefined);
  });

  it('is not passed on beyond the limit, which is given back', async () => {
    await using silent = await startUpstream(() => 'nothing');
    const limits = [{ used: 0, most: 2 }];
    const wish = { limits, patience: { next: 10, all: 100 } };
    const started = [ask([onHost(silent)], wish), ask([onHost(silent)], wish), ask([onHost(silent)], wish)];
    assert.equal(limits[0]?.used, 2);
    assert.deepEqual(await Promise.all(started), [undefined, undefined, undefined]);
    assert.equal(limits[0]?.used, 0);
  });
});
