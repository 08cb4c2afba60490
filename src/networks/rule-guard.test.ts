import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createLogger, silentLogger } from '../base/log.ts';
import { deleteNetworkNamespace } from '../host/namespaces.ts';
import { watchRules } from '../host/rule-changes.ts';
import { startEngine } from './private-engine.contract-suite.ts';
import { answerInside, ask, command, enterPrivateHost, joinOutside } from './private-host.contract-suite.ts';
import { createRuleGuard } from './rule-guard.ts';

enterPrivateHost();
const outside = joinOutside();
after(() => deleteNetworkNamespace(outside));

/** Waits for a change of rules after which something is true. */
async function untilRules(agree: () => boolean): Promise<void> {
  const agreed = Promise.withResolvers<void>();
  using _watch = watchRules(() => agree() && agreed.resolve());
  using _kept = keepAwake(); // a watch alone does not
  if (agree()) agreed.resolve();
  await agreed.promise;
}

function keepAwake(): Disposable {
  const timer = setInterval(() => {}, 60_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const theirs = 'table inet firewalld { chain filter_FORWARD { type filter hook forward priority 10; reject; }; }';
const accepts = (): number =>
  command('nft', 'list', 'ruleset').split(/(?:iifname|oifname) "tug0" counter .* accept comment "tug-/).length - 1;

function warned() {
  const lines: string[] = [];
  return { lines, log: createLogger({ level: 'warn', write: (line) => void lines.push(line) }) };
}

describe('rules that others change', () => {
  it('are made again by themselves, once for each change', async () => {
    const { lines, log } = warned();
    command('nft', theirs);
    using _theirs = {
      [Symbol.dispose]: () => void command('nft', 'add table inet firewalld; delete table inet firewalld'),
    };
    await using engine = await startEngine({ log });
    const a = await engine.attach({ ports: { '80/tcp': [{ HostPort: '8080' }] } });
    using _a = await answerInside(a.path, 'tcp', 80);
    using _world = await answerInside(outside, 'tcp', 80);
    const open = async () => {
      assert.equal(await ask('198.51.100.1', 8080, { namespace: outside }), '198.51.100.2');
      assert.equal(await ask('198.51.100.2', 80, { namespace: a.path }), '198.51.100.1');
    };
    await open();
    const own = /table inet (tug-\w+)/.exec(command('nft', 'list', 'tables'))?.[1] ?? '';
    const table = (): string => command('nft', 'list', 'table', 'inet', own);
    const before = table();
    const harms = [`delete table inet firewalld; ${theirs}`, `flush table inet ${own}`, `flush ruleset; ${theirs}`];
    for (const [index, harm] of harms.entries()) {
      command('nft', harm);
      await untilRules(() => accepts() === 2 && command('nft', 'list', 'tables').includes(own) && table() === before);
      assert.ok((await engine.networks.hostRules()).intact); // the answer waits until all is made again
      await open();
      assert.equal(lines.length, index + 1, lines.join(''));
    }
  });

  it('and drop what is forwarded, are answered', async () => {
    await using engine = await startEngine({ log: silentLogger });
    await engine.attach();
    command('iptables', '-P', 'FORWARD', 'DROP');
    await untilRules(() => accepts() === 2);
    command('iptables', '-P', 'FORWARD', 'ACCEPT');
    await untilRules(() => accepts() === 0);
  });

  it('are known after that, so that the next container needs no program that lists them', async () => {
    await using engine = await startEngine({ log: silentLogger });
    const path = process.env['PATH'];
    process.env['PATH'] = '';
    try {
      await engine.attach();
    } finally {
      process.env['PATH'] = path;
    }
  });
});

describe('a guard', () => {
  function fakeHost(look: (changed: () => void) => void) {
    let [changed, looks, watched] = [() => {}, 0, 0];
    return {
      change: () => changed(),
      looks: () => looks,
      watched: () => watched,
      async restoreIfChanged() {
        looks += 1;
        look(changed);
      },
      watch(call: () => void) {
        changed = call;
        watched += 1;
        const end = () => {
          watched -= 1;
        };
        return { [Symbol.dispose]: end };
      },
    };
  }
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('looks once for many changes on end, and once more for its own', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    let changes = 2; // of the first look
    const host = fakeHost((changed) => {
      for (; changes > 0; changes -= 1) changed();
    });
    await using guard = createRuleGuard(host, silentLogger);
    guard.start();
    guard.start();
    assert.equal(host.watched(), 1);
    for (let change = 0; change < 5; change += 1) host.change();
    assert.equal(host.looks(), 0);
    for (const looks of [1, 2, 2, 2]) {
      t.mock.timers.tick(10_000);
      await settled();
      assert.equal(host.looks(), looks);
    }
  });

  it('goes on after a look that failed, and neither looks nor listens when it is disposed', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { lines, log } = warned();
    const host = fakeHost(() => {
      throw new Error('no nft here');
    });
    const guard = createRuleGuard(host, log);
    guard.start();
    for (const looks of [1, 2]) {
      host.change();
      t.mock.timers.tick(10_000);
      await settled();
      assert.equal(host.looks(), looks);
      assert.equal(lines.length, looks);
    }
    assert.match(lines[0] ?? '', /cannot be made again.*no nft here/);
    host.change();
    await guard[Symbol.asyncDispose]();
    assert.equal(host.watched(), 0);
    host.change();
    guard.start();
    t.mock.timers.tick(10_000);
    await settled();
    assert.deepEqual([host.looks(), host.watched()], [2, 0]);
  });

  it('says so where nobody tells of changes', async () => {
    const { lines, log } = warned();
    const refuse = () => {
      throw new Error('EPERM: bind');
    };
    await using guard = createRuleGuard({ restoreIfChanged: async () => {}, watch: refuse }, log);
    guard.start();
    assert.match(lines.join(''), /only made again with the next container.*EPERM/);
  });
});
