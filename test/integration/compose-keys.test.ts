import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { testProject } from '../helpers/compose-project.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

// What docs/compose.md says of keys that an engine on one host cannot honour, one by one.

const document = readFileSync(path.resolve(import.meta.dirname, '../../docs/compose.md'), 'utf8');

/** The key as the documentation names it, the files that use it, and what is said. */
type Row = readonly [key: string, service: string, says: string | RegExp, more?: string];

const refused: readonly Row[] = [
  ['credential_spec', 'credential_spec: {file: x.json}', 'services.one.credential_spec: credential specs are for'],
  ['provider', 'provider: {type: nosuch}', 'services.one.provider: programs that stand for a service are not run'],
  ['models', 'models: [m]', 'services.one.models: models are run by', 'models: {m: {model: some}}'],
  ['use_api_socket', 'use_api_socket: true', 'services.one.use_api_socket: give the service the socket'],
  ['pull_refresh_after', 'pull_refresh_after: 1h', 'services.one.pull_refresh_after: write pull_policy'],
  ['npipe', 'volumes: [{type: npipe, source: a, target: /x}]', 'services.one.volumes: mounts of type npipe are'],
  ['cluster', 'volumes: [{type: cluster, source: a, target: /x}]', 'services.one.volumes: mounts of type cluster are'],
  ['external configs and secrets', 'configs: [c]', 'unsupported external config c', 'configs: {c: {external: true}}'],
  ['external configs and secrets', 'secrets: [s]', 'unsupported external secret s', 'secrets: {s: {external: true}}'],
  ['drivers', 'secrets: [s]', 'drivers of secrets are for swarms', 'secrets: {s: {driver: d, file: ./compose.yaml}}'],
  ['isolation', 'build: {context: ., isolation: hyperv}', 'services.one.build.isolation: hyperv is for Windows'],
  ['deploy.mode', 'deploy: {mode: sometimes}', 'services.one.deploy.mode: sometimes is none of replicated, global'],
];

/** These are refused by the engine, in its words. */
const refusedByEngine: readonly Row[] = [
  ['isolation', 'isolation: hyperv', /service "one": .*invalid isolation 'hyperv'/],
  ['cpu_count', 'cpu_count: 2', /service "one": .*CpuCount is for containers of Windows/],
  ['cpu_percent', 'cpu_percent: 20', /service "one": .*CpuPercent is for containers of Windows/],
  ['gpus', 'gpus: all', /service "one": .*device requests \(--gpus\)/],
  ['overlay', 'networks: [n]', /This node is not a swarm manager/, 'networks: {n: {driver: overlay}}'],
];

/** Each is a service of one file, of the name `one` here. */
const forSwarms = (key: string): string => `services.one.deploy.${key} is for swarms and is not heeded here`;
const warned: readonly Row[] = [
  ['deploy.placement', 'deploy: {placement: {constraints: [node.role==manager]}}', forSwarms('placement')],
  ['update_config', 'deploy: {update_config: {parallelism: 2}}', forSwarms('update_config')],
  ['rollback_config', 'deploy: {rollback_config: {parallelism: 2}}', forSwarms('rollback_config')],
  ['endpoint_mode', 'deploy: {endpoint_mode: vip}', forSwarms('endpoint_mode')],
  ['restart_policy.delay', 'deploy: {restart_policy: {delay: 5s}}', forSwarms('restart_policy.delay')],
  ['window', 'deploy: {restart_policy: {window: 5s}}', forSwarms('restart_policy.window')],
  [
    'resources.reservations.cpus',
    'deploy: {resources: {reservations: {cpus: 0.1}}}',
    forSwarms('resources.reservations.cpus'),
  ],
  [
    'generic_resources',
    'deploy: {resources: {reservations: {generic_resources: [{discrete_resource_spec: {kind: g, value: 2}}]}}}',
    forSwarms('resources.reservations.generic_resources'),
  ],
  ['mode', 'deploy: {mode: global}', 'services.one.deploy.mode: global is one container on one host'],
  ['mode', 'deploy: {mode: replicated-job}', 'services.one.deploy.mode: replicated-job is run as any other service'],
  ['sbom', 'build: {context: ., sbom: true}', 'services.one.build.sbom: packages are not looked for in images here'],
  [
    'platforms',
    `build: {context: ., platforms: [linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}, linux/riscv64]}`,
    'services.one.build.platforms: one is built here, linux/',
  ],
];

describe('a key of a compose file that one host cannot honour', () => {
  let engine: TestEngine;
  let image: string;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'tug-keys-'));
    writeFileSync(path.join(folder, 'Dockerfile'), 'FROM busybox\n');
    engine = await startEngine();
    image = await starterImage(engine);
  });
  after(async () => {
    await engine?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const bodyOf = ([, service]: Row): string =>
    `{${/^(build|provider):/.test(service) ? '' : `image: "${image}", `}stop_grace_period: 0s, command: sleep 100000, ${service}}`;
  const project = (text: string) => {
    const file = path.join(folder, 'compose.yaml');
    writeFileSync(file, text);
    return testProject(engine, image, file);
  };
  const projectOf = (row: Row) => project(`services: {one: ${bodyOf(row)}}\n${row[3] ?? ''}\n`);
  const says = (text: string, expected: string | RegExp): void =>
    typeof expected === 'string' ? assert.ok(text.includes(expected), text) : assert.match(text, expected);

  for (const row of refused)
    it(`is refused by name before anything is made: ${row[1]}`, async () => {
      await using one = projectOf(row);
      assert.ok(document.includes(row[0]), `docs/compose.md names ${row[0]}`);
      const config = await one.compose(['config', '-q']);
      assert.deepEqual([config.code, config.stderr], [0, ''], 'the file itself is right');
      const { code, stderr } = await one.compose(['up', '-d']);
      assert.equal(code, 1, stderr);
      says(stderr, row[2]);
      assert.deepEqual(await one.ids(), {});
      assert.ok(!(await engine.api('GET', '/networks')).text.includes(one.name), 'no network either');
    });

  it('is refused by a plan and a dry run too', async () => {
    await using one = projectOf(refused[0]!);
    for (const command of [['--dry-run', 'up', '-d'], ['plan'], ['run', 'one']]) {
      const { code, stderr } = await one.compose(command);
      assert.equal(code, 1, `${command}: ${stderr}`);
      says(stderr, refused[0]![2]);
    }
  });

  for (const row of refusedByEngine)
    it(`is refused by the engine with a sentence: ${row[1]}`, async () => {
      await using one = projectOf(row);
      const { code, stderr } = await one.compose(['create']);
      assert.equal(code, 1, stderr);
      says(stderr, row[2]);
      assert.deepEqual(await one.ids(), {});
    });

  it('is warned about by name where it can be left out', async () => {
    const all = warned.map((row, at) => `  s${at}: ${bodyOf(row)}\n`);
    await using whole = project(`services:\n${all.join('')}`);
    const config = await whole.compose(['config', '-q']);
    assert.deepEqual([config.code, config.stderr], [0, '']);
    const { code, stderr } = await whole.compose(['create']);
    assert.equal(code, 0, stderr);
    const lines = stderr.split('\n').filter((line) => line.startsWith('WARN: '));
    for (const [at, [key, , text]] of warned.entries()) {
      const expected = `WARN: ${String(text).replace('services.one.', `services.s${at}.`)}`;
      assert.ok(
        lines.some((line) => line.startsWith(expected)),
        `${expected}\n${stderr}`,
      );
      assert.ok(document.includes(key), `docs/compose.md names ${key}`);
    }
    assert.equal(lines.length, warned.length, stderr);
    assert.equal(Object.keys(await whole.ids()).length, warned.length);
    await whole.compose(['down', '--rmi', 'local']);
  });

  it('is not build.provenance, which its builds attach', async () => {
    await using one = project('services: {one: {image: "stated:keys", build: {context: ., provenance: mode=max}}}\n');
    const { code, stderr } = await one.compose(['build']);
    assert.deepEqual([code, stderr.includes('WARN')], [0, false], stderr);
    const stated = await engine.api('GET', '/images/stated:keys/attestations');
    assert.match(stated.text, /"PredicateType":"https:\/\/slsa\.dev\/provenance\//);
    await one.compose(['down', '--rmi', 'all']);
  });

  it('is told of by compose build too', async () => {
    const of = (service: string): Row => ['', service, ''];
    await using sbom = projectOf(of('build: {context: ., sbom: true}'));
    assert.match((await sbom.compose(['build'])).stderr, /WARN: services\.one\.build\.sbom/);
    await sbom.compose(['down', '--rmi', 'local']);
    await using windows = projectOf(of('build: {context: ., isolation: hyperv}'));
    const { code, stderr } = await windows.compose(['build']);
    assert.equal(code, 1);
    assert.match(stderr, /services\.one\.build\.isolation: hyperv is for Windows/);
  });

  it('are no entitlements: a build has those that the file names, and no others', async () => {
    const asks = {
      insecure: 'RUN --security=insecure grep Seccomp: /proc/self/status',
      host: 'RUN --network=host ls /sys/class/net',
    };
    const build = async (run: string, keys: string) => {
      const dockerfile = JSON.stringify(`FROM ${image}\n${run}`);
      await using one = project(`services: {one: {build: {dockerfile_inline: ${dockerfile}${keys}}}}\n`);
      const built = await one.compose(['build', '--no-cache']);
      await one.compose(['down', '--rmi', 'local']);
      return built;
    };
    for (const [ask, keys] of [
      [asks.insecure, ''],
      [asks.insecure, ', entitlements: [network.host], privileged: false'],
      [asks.host, ', privileged: true'],
    ] as const) {
      const { code, stderr } = await build(ask, keys);
      assert.notEqual(code, 0, keys);
      assert.match(stderr, ask === asks.host ? /network\.host is not allowed/ : /security\.insecure is not allowed/);
    }
    for (const keys of [', privileged: true', ', entitlements: [security.insecure, network.host]']) {
      const { code, stderr } = await build(asks.insecure, keys);
      assert.deepEqual([code, /^#\d+ [\d.]+ Seccomp:\s+0$/m.test(stderr)], [0, true], stderr);
    }
    const { code, stderr } = await build(asks.host, ', entitlements: [network.host]');
    assert.deepEqual([code, stderr.includes(` ${engine.bridge}\n`)], [0, true], stderr);
    const unknown = await build(asks.host, ', entitlements: [everything]');
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.stderr, /invalid entitlement: everything \(known: network\.host, security\.insecure\)/);
  });

  it('is none where a service is built from the image of another, and from folders beside the file', async () => {
    mkdirSync(path.join(folder, 'words'), { recursive: true });
    writeFileSync(path.join(folder, 'words/word'), 'from a folder\n');
    writeFileSync(
      path.join(folder, 'compose.yaml'),
      `services:
  top: {command: cat /from-base /word, build: {additional_contexts: {under: service:base, words: ./words}, dockerfile_inline: "FROM under\\nCOPY --from=words word /word"}}
  base: {profiles: [off], build: {dockerfile_inline: "FROM ${image}\\nRUN echo from the base > /from-base"}}
`,
    );
    await using project = testProject(engine, image, path.join(folder, 'compose.yaml'));
    const off = await project.compose(['up', 'top']);
    assert.equal(off.code, 1);
    assert.match(off.stderr, /service "top" is built from service "base", which is not on/);
    const up = await project.compose(['--profile', 'off', 'run', '--rm', 'top']);
    assert.equal(up.stdout, 'from the base\nfrom a folder\n', up.stderr);
    assert.equal((await project.compose(['--profile', 'off', 'build', 'top'])).code, 0);
    await project.compose(['--profile', 'off', 'down', '--rmi', 'local']);
    writeFileSync(
      path.join(folder, 'compose.yaml'),
      'services: {top: {build: {context: ., additional_contexts: {a: "service:bose"}}}, base: {image: x}}\n',
    );
    const wrong = await project.compose(['config']);
    assert.match(wrong.stderr, /service "top" is built from undefined service "bose".*did you mean "base"/);
  });
});
