// biome-ignore-all lint/suspicious/noTemplateCurlyInString: compose files have variables
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { notFound } from '../../base/errors.ts';
import { type Loaded, loadProject } from './load.ts';
import type { Project } from './model.ts';

type Sources = Readonly<Record<string, string>>;

/** Loads files that are given as texts; their folder is /p. */
function load(
  sources: Sources | string,
  env: Record<string, string> = {},
  files?: readonly string[],
): Loaded & { warnings: string[] } {
  const all = typeof sources === 'string' ? { '/p/compose.yaml': sources } : sources;
  const warnings: string[] = [];
  const loaded = loadProject({
    files: files ?? ['/p/compose.yaml'],
    folder: '/p',
    name: undefined,
    lookup: (name) => env[name],
    access: {
      read: (file) => {
        const text = all[file];
        if (text === undefined) throw notFound(`open ${file}: no such file or directory`);
        return text;
      },
      show: (file) => file.replace('/p/', ''),
      home: '/home/me',
    },
    warn: (text) => warnings.push(text),
  });
  return { ...loaded, warnings };
}

const service = (text: string, env?: Record<string, string>) =>
  load(`services:\n  web:\n    image: x\n${text}`, env).project.services['web']!;
const refusal = (text: string, env: Record<string, string> = {}): string => {
  try {
    load(text, env);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was loaded');
};

describe('a compose file', () => {
  it('gives names to the project and to what it makes', () => {
    const { project } = load(
      'services: {web: {image: x, volumes: ["data:/d"]}}\nvolumes: {data: , other: {name: o}, ext: {external: true}}',
    );
    assert.equal(project.name, 'p');
    assert.deepEqual(project.networks, { default: { name: 'p_default' } });
    assert.deepEqual(project.volumes, {
      data: { name: 'p_data' },
      other: { name: 'o' },
      ext: { external: true, name: 'ext' },
    });
  });

  it('takes its name from the file, with variables', () => {
    assert.equal(load('name: ${WHO:-shop}\nservices: {web: {image: x}}').project.name, 'shop');
    assert.match(
      refusal('name: Shop!\nservices: {web: {image: x}}'),
      /invalid project name "Shop!": must consist only/,
    );
  });

  it('reads the short forms of ports', () => {
    const { ports } = service('    ports: ["80", "8080:80", "127.0.0.1:53:53/udp", "9000-9001:90-91"]');
    assert.deepEqual(ports, [
      { mode: 'ingress', target: 80, protocol: 'tcp' },
      { mode: 'ingress', target: 80, published: '8080', protocol: 'tcp' },
      { mode: 'ingress', host_ip: '127.0.0.1', target: 53, published: '53', protocol: 'udp' },
      { mode: 'ingress', target: 90, published: '9000', protocol: 'tcp' },
      { mode: 'ingress', target: 91, published: '9001', protocol: 'tcp' },
    ]);
  });

  it('reads the short forms of volumes', () => {
    const { project } = load(
      'services: {web: {image: x, volumes: [./a:/a:ro, ~/b:/b, v:/v:nocopy, /anon]}}\nvolumes: {v: }',
    );
    assert.deepEqual(project.services['web']!.volumes, [
      { type: 'bind', source: '/p/a', target: '/a', read_only: true, bind: { create_host_path: true } },
      { type: 'bind', source: '/home/me/b', target: '/b', bind: { create_host_path: true } },
      { type: 'volume', source: 'v', target: '/v', volume: { nocopy: true } },
      { type: 'volume', target: '/anon', volume: {} },
    ]);
  });

  it('reads lists and maps of variables alike', () => {
    const env = { HOME: '/h' };
    assert.deepEqual(service('    environment: [A=1, B=, HOME, NONE]', env).environment, {
      A: '1',
      B: '',
      HOME: '/h',
      NONE: null,
    });
    assert.deepEqual(service('    environment: {A: 1, B: "", HOME: , C: true}', env).environment, {
      A: '1',
      B: '',
      HOME: '/h',
      C: 'true',
    });
  });

  it('brings sizes, durations, modes and limits into one form', () => {
    const read = service(
      '    mem_limit: 1.5g\n    shm_size: 64m\n    stop_grace_period: 90s\n    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}\n    configs: [{source: c, mode: 0440}]\nconfigs: {c: {content: x}}',
    );
    assert.equal(read.mem_limit, '1610612736');
    assert.equal(read.shm_size, '67108864');
    assert.equal(read.stop_grace_period, '1m30s');
    assert.deepEqual(read.ulimits, { nofile: { soft: 1, hard: 2 }, nproc: 3 });
    assert.deepEqual(read.configs, [{ source: 'c', mode: '0440' }]);
  });

  it('takes texts that came out of variables for numbers and booleans', () => {
    const read = service('    scale: ${N}\n    privileged: ${P}', { N: '3', P: 'true' });
    assert.equal(read.scale, 3);
    assert.equal(read.privileged, true);
  });

  it('splits commands as a shell does', () => {
    assert.deepEqual(service(`    command: sh -c "echo 'a b'"`).command, ['sh', '-c', "echo 'a b'"]);
    assert.deepEqual(service('    command: ["sh", "-c", "x"]').command, ['sh', '-c', 'x']);
  });

  it('implies dependencies where something is shared', () => {
    const { project } = load('services: {a: {image: x}, b: {image: x, network_mode: "service:a", volumes_from: [a]}}');
    assert.deepEqual(project.services['b']!.depends_on, {
      a: { condition: 'service_started', required: true, restart: true },
    });
    assert.equal(project.services['b']!.networks, undefined);
  });

  it('knows anchors and merge keys', () => {
    const { project } = load(
      'x-base: &base {image: x, labels: {a: b}}\nservices:\n  web:\n    <<: *base\n    labels: {c: d}',
    );
    assert.deepEqual(project.services['web']!.labels, { c: 'd' });
    assert.equal(project.services['web']!.image, 'x');
  });

  it('reads the first format, of services at the top level', () => {
    const { project } = load(
      'registry: { restart: always, image: "registry:2", ports: ["5000:5000"], environment: {A: 1}, log_driver: none }',
    );
    const registry = project.services['registry']!;
    assert.equal(registry.restart, 'always');
    assert.deepEqual(registry.logging, { driver: 'none' });
    assert.deepEqual(registry.networks, { default: null });
  });

  it('warns of version, and reads versions 2 and 3', () => {
    const { warnings, project } = load('version: "2.4"\nservices: {web: {image: x, cpu_quota: 50ms}}');
    assert.match(warnings.join(), /compose.yaml: the attribute `version` is obsolete/);
    assert.equal(project.services['web']!.cpu_quota, 50_000);
  });
});

describe('several files', () => {
  const merged = (one: string, other: string): Project =>
    load({ '/p/a.yaml': one, '/p/b.yaml': other }, {}, ['/p/a.yaml', '/p/b.yaml']).project;

  it('are merged by the rules of each key', () => {
    const web = merged(
      'services: {web: {image: a, command: [x], ports: ["80:80"], environment: {A: 1, B: 2}, volumes: ["/a:/x", "/b:/y"], dns: [1.1.1.1]}}',
      'services: {web: {image: b, command: [y], ports: ["81:81"], environment: [B=3], volumes: ["/c:/x"], dns: [2.2.2.2]}}',
    ).services['web']!;
    assert.equal(web.image, 'b');
    assert.deepEqual(web.command, ['y']);
    assert.deepEqual(
      web.ports?.map((port) => port.published),
      ['80', '81'],
    );
    assert.deepEqual(web.environment, { A: '1', B: '3' });
    assert.deepEqual(
      web.volumes?.map((one) => one.source),
      ['/c', '/b'],
    );
    assert.deepEqual(web.dns, ['1.1.1.1', '2.2.2.2']);
  });

  it('take away with !reset and replace with !override', () => {
    const web = merged(
      'services: {web: {image: a, ports: ["80:80"], environment: {A: 1, B: 2}, labels: {x: y}}}',
      'services:\n  web:\n    ports: !reset []\n    environment: {A: !reset null}\n    labels: !override {z: w}',
    ).services['web']!;
    assert.equal(web.ports, undefined);
    assert.deepEqual(web.environment, { B: '2' });
    assert.deepEqual(web.labels, { z: 'w' });
  });

  it('extend services of the same and of other files', () => {
    const { project } = load({
      '/p/compose.yaml':
        'services: {base: {image: a, environment: {A: 1}}, web: {extends: base, environment: {B: 2}}, far: {extends: {file: sub/x.yaml, service: one}}}',
      '/p/sub/x.yaml': 'services: {one: {image: o, volumes: ["./v:/v"]}}',
    });
    assert.deepEqual(project.services['web']!.environment, { A: '1', B: '2' });
    assert.equal(project.services['far']!.volumes![0]!.source, '/p/sub/v');
  });

  it('include others with their own folder', () => {
    const { project } = load({
      '/p/compose.yaml': 'include: [sub/compose.yaml]\nservices: {web: {image: a, depends_on: [db]}}',
      '/p/sub/compose.yaml': 'services: {db: {image: "${DB}", volumes: ["./d:/d"]}}',
      '/p/sub/.env': 'DB=postgres',
    });
    assert.equal(project.services['db']!.image, 'postgres');
    assert.equal(project.services['db']!.volumes![0]!.source, '/p/sub/d');
  });

  it('refuse to extend or include themselves', () => {
    assert.match(
      refusal('services: {a: {extends: b}, b: {extends: a}}'),
      /compose.yaml:1:\d+: services.a: circular reference/,
    );
    assert.match(refusal('include: [compose.yaml]\nservices: {a: {image: x}}'), /include cycle detected/);
  });

  it('take variables from environment files, over which the service goes', () => {
    const { project } = load({
      '/p/compose.yaml':
        'services: {web: {image: a, env_file: [e.env, {path: no.env, required: false}], environment: {B: mine}}}',
      '/p/e.env': 'A=1\nB=2\n',
    });
    assert.deepEqual(project.services['web']!.environment, { A: '1', B: 'mine' });
    assert.match(refusal('services: {web: {image: a, env_file: gone}}'), /env file \/p\/gone not found/);
  });
});

describe('a fault of a compose file', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      'an unknown key',
      'services:\n  web:\n    image: x\n    prots: ["80"]',
      /^compose.yaml:4:5: services.web additional properties 'prots' not allowed \(did you mean "ports"\?\)$/,
    ],
    [
      'an unknown key at the top',
      'service: {web: {image: x}}\nnetworks: {}',
      /compose.yaml:1:1: additional properties 'service' not allowed \(did you mean "services"\?\)/,
    ],
    [
      'a wrong type',
      'services: {web: {image: x, environment: 5}}',
      /services.web.environment must be a mapping or a list, and is the number 5/,
    ],
    [
      'a wrong choice',
      'services: {web: {image: x, depends_on: {db: {condition: service_heathy}}}}',
      /must be one of .* \(did you mean "service_healthy"\?\)/,
    ],
    [
      'an unknown dependency',
      'services: {web: {image: x, depends_on: [dbx]}, db: {image: y}}',
      /service "web" depends on undefined service "dbx": invalid compose project \(did you mean "db"\?\)/,
    ],
    ['an unknown network', 'services: {web: {image: x, networks: [back]}}', /refers to undefined network back/],
    ['an unknown volume', 'services: {web: {image: x, volumes: ["data:/d"]}}', /refers to undefined volume data/],
    [
      'a cycle',
      'services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}',
      /dependency cycle detected: a -> b -> a/,
    ],
    ['no image', 'services: {a: {command: x}}', /service "a" has neither an image nor a build context/],
    ['a bad port', 'services: {a: {image: x, ports: ["99999:80"]}}', /services.a.ports\[0\]: /],
    [
      'a required variable',
      'services: {a: {image: "${TAG:?say which}"}}',
      /compose.yaml:1:23: error while interpolating services.a.image: required variable TAG is missing a value: say which/,
    ],
    ['a bad template', 'services: {a: {image: "a${"}}', /invalid interpolation format for services.a.image/],
    ['bad YAML', 'services:\n  a: [', /^compose.yaml:2:\d+: yaml: /],
    ['a tag', 'services: {a: !foo {image: x}}', /unknown tag !foo/],
    ['an empty file', '# nothing', /empty compose file/],
  ];
  for (const [name, text, expected] of cases)
    it(`is told with its place: ${name}`, () => assert.match(refusal(text), expected));

  it('is told with all the others', () => {
    assert.equal(refusal('services: {a: {imag: x, command: {}}}').split('\n').length, 2);
  });
});

describe('a hostile file', () => {
  it('cannot make aliases explode', () => {
    const levels = Array.from(
      { length: 12 },
      (_, at) =>
        `x-${at}: &a${at} [${Array(10)
          .fill(at === 0 ? 'x' : `*a${at - 1}`)
          .join(', ')}]`,
    );
    assert.match(refusal(`${levels.join('\n')}\nservices: {a: {image: x}}`), /aliases come to more than/);
  });

  it('cannot be too large or too deep', () => {
    assert.match(refusal(`#${'x'.repeat(5_000_000)}`), /a compose file at most/);
    assert.match(refusal(`x-a: ${'['.repeat(1000)}${']'.repeat(1000)}`), /nested too deeply/);
    assert.match(
      refusal('x-a: &a [*a]\nservices: {a: {image: x}}'),
      /an anchor holds an alias of itself|unknown alias/,
    );
  });

  it('keeps odd names apart from those of objects', () => {
    const { project } = load('services: {web: {image: x, labels: {__proto__: a, constructor: b}}}');
    assert.deepEqual(Object.entries(project.services['web']!.labels!), [
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });
});
