import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readQuery } from '../../formats/dns/query.ts';
import { buildQuery, readAnswer } from '../../formats/dns/test-packets.ts';
import { forward } from './forward.ts';
import { startUpstream } from './test-upstream.ts';
import { createTogether } from './together.ts';

describe('questions that are the same but for their numbers', () => {
  it('are asked once at a time, and all answered under their own', async () => {
    const together = createTogether();
    const answers = [Promise.withResolvers<Buffer | undefined>(), Promise.withResolvers<Buffer | undefined>()];
    let asked = 0;
    const ask = () => answers[asked++]?.promise ?? assert.fail();
    const packet = (id: number, name = 'web.example') => buildQuery({ id, name });
    const [one, two, other] = [
      together(packet(1), 'udp', ask),
      together(packet(2), 'udp', ask),
      together(packet(3, 'other.example'), 'udp', ask),
    ];
    assert.equal(asked, 2);
    answers[0]?.resolve(packet(1));
    answers[1]?.resolve(undefined);
    assert.deepEqual([(await one)?.readUInt16BE(0), (await two)?.readUInt16BE(0), await other], [1, 2, undefined]);
    assert.equal(await together(packet(4), 'udp', async () => packet(4)).then((answer) => answer?.readUInt16BE(0)), 4);
  });

  it('end a circle of name servers, in which each asks the next', async () => {
    const together = createTogether();
    let rounds = 0;
    /** What a container's own server does with what it does not know: it asks the engine's again, under a new number. */
    const askEngine = (id: number): Promise<Buffer | undefined> => {
      const packet = buildQuery({ id, name: 'nobody.knows' });
      const read = readQuery(packet);
      assert.ok(read.kind === 'query');
      const servers = [{ address: circle.address, port: circle.port, from: 'host' as const }];
      const wish = { servers, namespace: '/proc/self/ns/net', limits: [] };
      return together(packet, 'udp', () => forward(packet, read.query, 'udp', wish, { next: 200, all: 600 }));
    };
    await using circle = await startUpstream(() => {
      rounds += 1;
      void askEngine(1000 + rounds);
      return 'nothing';
    });
    assert.equal(await askEngine(1), undefined);
    assert.ok(rounds <= 2, `it went round ${rounds} times`);
    await using knows = await startUpstream(() => ['192.0.2.1']);
    const packet = buildQuery({ id: 7, name: 'web.example' });
    const read = readQuery(packet);
    assert.ok(read.kind === 'query');
    const { query } = read;
    const wish = { servers: [{ ...knows, from: 'host' as const }], namespace: '/proc/self/ns/net', limits: [] };
    const answer = await together(packet, 'udp', () =>
      forward(packet, query, 'udp', wish, { next: 9000, all: 60_000 }),
    );
    assert.deepEqual(answer && readAnswer(answer).records, ['192.0.2.1']);
  });
});
