import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { silentLogger } from '../base/log.ts';
import { type Attached, startEngine, type TestEngine } from './private-engine.contract-suite.ts';
import { answerInside, ask, command, enterPrivateHost } from './private-host.contract-suite.ts';

/** Whether packets that a bridge forwards pass the rules of IP too; absent without br_netfilter. */
const bridgedSetting = '/proc/sys/net/bridge/bridge-nf-call-iptables';

enterPrivateHost();

const tables = (): string[] => command('nft', 'list', 'tables').trim().split('\n');
const linkTo = ({ id }: Attached) => [{ target: id, ports: [80, 53].map((containerPort) => wish(containerPort)) }];
const wish = (containerPort: number) => ({ containerPort, protocol: containerPort === 53 ? 'udp' : 'tcp' }) as const;

/** A container on the default bridge of which ports 80 and 81, and 53 of UDP, answer. */
async function serve(engine: TestEngine, containerId?: string): Promise<Attached & Disposable> {
  const container = await engine.attach(containerId === undefined ? {} : { containerId });
  const servers = [
    await answerInside(container.path, 'tcp', 80),
    await answerInside(container.path, 'tcp', 81),
    await answerInside(container.path, 'udp', 53),
  ];
  return {
    ...container,
    [Symbol.dispose]() {
      for (const server of servers) server[Symbol.dispose]();
    },
  };
}

/** Asks all ports of `target` from a container: exactly those of `open` are to answer. */
async function reaches({ path: namespace }: Attached, { ip }: Attached, open: readonly string[] = []): Promise<void> {
  const asked = (['80', '81', '53/udp'] as const).map(async (name) => {
    const [port = '', protocol = 'tcp'] = name.split('/') as [string, 'udp'?];
    const wait = open.includes(name) ? {} : { seconds: 1 };
    return (await ask(ip, Number(port), { namespace, protocol, ...wait })) === undefined ? [] : [name];
  });
  assert.deepEqual((await Promise.all(asked)).flat(), open);
}

describe('a link between containers of a bridge that keeps them apart', () => {
  for (const bridged of existsSync(bridgedSetting) ? ['0', '1'] : ['0'])
    it(`opens the exposed ports of one to the other, with bridge-nf-call-iptables=${bridged}`, () => opened(bridged));

  async function opened(bridged: string): Promise<void> {
    await using engine = await startEngine({ options: { icc: false } });
    if (existsSync(bridgedSetting)) writeFileSync(bridgedSetting, bridged);
    using db = await serve(engine);
    using other = await serve(engine);
    const before = tables();
    const app = await engine.attach({ links: linkTo(db) });
    using _asked = await answerInside(app.path, 'tcp', 80);
    await Promise.all([
      reaches(app, db, ['80', '53/udp']),
      ...[[other, db] as const, [app, other] as const, [db, app] as const, [db, other] as const].map(([from, to]) =>
        reaches(from, to),
      ),
    ]);
    await engine.networks.release(app.id);
    await reaches(other, db);
    assert.deepEqual(tables(), before);
  }

  it('leads to where the other is after its restart, and is there again after an engine that was killed', async () => {
    const engineId = 'one';
    await using engine = await startEngine({ options: { icc: false }, engineId, log: silentLogger });
    let db = await serve(engine);
    const other = await engine.attach();
    const app = await engine.attach({ links: linkTo(db) });
    await engine.networks.release(db.id);
    db[Symbol.dispose]();
    db = await serve(engine, db.id);
    await reaches(app, db, ['80', '53/udp']);
    command('nft', 'flush', 'ruleset');
    assert.equal((await engine.networks.hostRules()).intact, false);
    await engine.networks.reconcile(new Set([db.id, app.id, other.id]));
    const { intact, added } = await engine.networks.hostRules();
    assert.deepEqual([intact, added.some((line) => line.startsWith('table bridge tug-'))], [true, true]);
    await reaches(app, db, ['80', '53/udp']);
    await reaches(other, db);
    db[Symbol.dispose]();
  });

  it('opens nothing where the engine makes no rules, and makes none where containers talk', async () => {
    {
      await using engine = await startEngine({ options: { icc: false }, policy: { rules: false } });
      using db = await serve(engine);
      const app = await engine.attach({ links: linkTo(db) });
      await reaches(app, db);
    }
    await using engine = await startEngine();
    using db = await serve(engine);
    const app = await engine.attach({ links: linkTo(db) });
    await reaches(app, db, ['80', '81', '53/udp']);
    assert.equal(tables().filter((line) => line.includes('bridge')).length, 0);
  });
});
