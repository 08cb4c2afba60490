import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recordTypes } from '../../formats/dns/numbers.ts';
import { buildQuery, mutate, readAnswer, seededRandom } from '../../formats/dns/test-packets.ts';
import type { NameDirectory } from './contract.ts';
import { type Responding, respond, type Transport } from './respond.ts';

const many = Array.from({ length: 60 }, (_, at) => `172.18.1.${at + 1}`);
const names: Record<string, { ipv4: readonly string[]; ipv6: readonly string[] }> = {
  web: { ipv4: ['172.18.0.2', '172.18.0.3'], ipv6: [] },
  'web.front': { ipv4: ['172.18.0.2'], ipv6: ['fd00::2'] },
  many: { ipv4: many, ipv6: [] },
};
const directory: NameDirectory = {
  lookup: (id, name) => (id === 'asking' ? names[name] : undefined),
  reverse: (id, ip) =>
    id === 'asking'
      ? { '172.18.0.2': 'web.front', 'fd00::2': 'web.front', '172.18.0.9': 'x'.repeat(64) }[ip]
      : undefined,
};

function context(wish: Partial<Responding> = {}): Responding {
  return {
    containerId: 'asking',
    directory,
    upstream: () => ({ servers: [], dottedOnly: false }),
    forward: () => Promise.resolve(undefined),
    report: (fault) => assert.fail(fault),
    ...wish,
  };
}

/** A million of them take some seconds: `TUG_FUZZ_PACKETS=1000000`. */
const packets = Number(process.env['TUG_FUZZ_PACKETS'] ?? 20_000);

type Asked = Parameters<typeof buildQuery>[0];

async function ask(query: Asked, wish: Partial<Responding> = {}, over: Transport = 'udp') {
  const answer = await respond(buildQuery({ id: 3, ...query }), over, context(wish));
  const read = readAnswer(answer ?? assert.fail('no answer'));
  assert.equal(read.id, 3);
  return read;
}

describe('a name server of a container', () => {
  it('knows the addresses of names in any case, for ten minutes', async () => {
    const { code, records, ttls } = await ask({ name: 'WEB' });
    assert.deepEqual([code, [...records].sort(), ttls], [0, ['172.18.0.2', '172.18.0.3'], [600, 600]]);
    assert.deepEqual((await ask({ name: 'web.front', type: recordTypes.AAAA })).records, ['fd00::2']);
    assert.deepEqual((await ask({ name: 'web.front', type: recordTypes.ANY })).records, ['172.18.0.2', 'fd00::2']);
  });

  it('gives each of several addresses first at times', async () => {
    const first = new Set<string | undefined>();
    for (let round = 0; round < 200 && first.size < 2; round += 1) first.add((await ask({ name: 'web' })).records[0]);
    assert.equal(first.size, 2);
  });

  it('says that a name has nothing of another kind, and not that there is no such name', async () => {
    for (const type of [recordTypes.AAAA, 15, 16, 65]) {
      const { code, records } = await ask({ name: 'web', type });
      assert.deepEqual([code, records], [0, []]);
    }
  });

  it('knows the names of addresses', async () => {
    const reverse = async (name: string) => (await ask({ name, type: recordTypes.PTR })).records;
    assert.deepEqual(await reverse('2.0.18.172.in-addr.arpa'), ['web.front']);
    assert.deepEqual(await reverse(`2.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`), ['web.front']);
    const unknown = ['9.0.18.172.in-addr.arpa', '8.0.18.172.in-addr.arpa', 'web'];
    for (const name of unknown) assert.equal((await ask({ name, type: recordTypes.PTR })).code, 2);
  });

  it('sends as much as its client takes, and all over TCP', async () => {
    const plain = await ask({ name: 'many' });
    assert.deepEqual([plain.truncated, plain.records.length], [true, 30]);
    const extended = await ask({ name: 'many', edns: 1232 });
    assert.deepEqual([extended.truncated, extended.records.length], [false, 60]);
    assert.deepEqual([...(await ask({ name: 'many' }, {}, 'tcp')).records].sort(), [...many].sort());
  });

  it('passes on what it does not know, and fails when nobody answers', async () => {
    const passed: string[] = [];
    const forward: Responding['forward'] = (packet, { name }) => {
      passed.push(`${name}`);
      return Promise.resolve(name === 'a.example' ? packet : undefined);
    };
    assert.equal((await ask({ name: 'a.example' }, { forward })).code, 0);
    assert.equal((await ask({ name: 'b.example' }, { forward }, 'tcp')).code, 2);
    assert.equal((await ask({ name: 'web' }, { forward, containerId: 'other' })).code, 2);
    assert.deepEqual(passed, ['a.example', 'b.example', 'web']);
  });

  it('shortens an answer that its client does not take', async () => {
    const forward = () => Promise.resolve(Buffer.alloc(600));
    assert.equal((await ask({ name: 'a.example' }, { forward })).truncated, true);
    const taken = await respond(buildQuery({ name: 'a.example', edns: 600 }), 'udp', context({ forward }));
    assert.equal(taken?.length, 600);
  });

  it('keeps names without a dot to itself where it is told to', async () => {
    const upstream = () => ({ servers: [], dottedOnly: true });
    const forward = () => assert.fail('was passed on');
    assert.equal((await ask({ name: 'printer' }, { upstream, forward })).code, 3);
    assert.equal((await ask({ name: 'printer.example' }, { upstream })).code, 2);
    assert.equal((await ask({ name: 'printer', type: 15 }, { upstream })).code, 2);
  });

  it('refuses versions of EDNS that it does not know, and packets that are none', async () => {
    const bad = await respond(buildQuery({ name: 'web', edns: 512, version: 1 }), 'udp', context());
    assert.equal(bad?.subarray(-11)[5], 1);
    assert.equal(await respond(Buffer.alloc(5), 'udp', context()), undefined);
    assert.equal(
      readAnswer((await respond(buildQuery({ name: 'web' }).subarray(0, 15), 'udp', context())) ?? assert.fail()).code,
      1,
    );
  });

  it('fails a question when its directory does, and says so', async () => {
    const faults: string[] = [];
    const broken: NameDirectory = {
      lookup() {
        throw new Error('locked');
      },
      reverse: () => undefined,
    };
    const { code } = await ask({ name: 'web' }, { directory: broken, report: (fault) => faults.push(fault) });
    assert.deepEqual([code, faults], [2, ['looking a name up failed: locked']]);
  });

  it('never throws, whatever is sent to it', async () => {
    const random = seededRandom(53);
    const whole = [
      buildQuery({ name: 'web.front', edns: 1232 }),
      buildQuery({ name: '2.0.18.172.in-addr.arpa', type: 12 }),
    ];
    for (let round = 0; round < packets; round += 1) {
      const answer = respond(mutate(whole[round % 2] ?? Buffer.alloc(0), random), round % 3 ? 'udp' : 'tcp', context());
      if (answer instanceof Promise) await answer;
    }
  });
});
