import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { loadConfig } from './config.ts';
import { type Setting, settings } from './config-schema.ts';
import { helpText, parseFlags } from './flags.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-config-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The configuration from a file's content and flags. */
function load(content: unknown, ...args: string[]) {
  const file = path.join(folder, 'daemon.json');
  fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return loadConfig(parseFlags(['--config-file', file, ...args]));
}

describe('the configuration', () => {
  it('takes one of two drivers of control groups', () => {
    assert.equal(load({}).cgroupDriver, 'cgroupfs');
    assert.equal(load({ 'exec-opts': ['native.cgroupdriver=cgroupfs'] }).cgroupDriver, 'cgroupfs');
    assert.equal(load({}, '--exec-opt', 'native.cgroupdriver=systemd').cgroupDriver, 'systemd');
    assert.throws(() => load({}, '--exec-opt', 'native.cgroupdriver=x'), /native.cgroupdriver option x not supported/);
    for (const option of ['other=1', 'native.cgroupdriver'])
      assert.throws(() => load({}, '--exec-opt', option), /exec-opts: unknown option/);
  });

  it('has defaults, and takes the file and the flags over them', () => {
    const config = load(
      { 'log-format': 'json', labels: ['a=b'] },
      '--data-root',
      '/d/',
      '-H',
      'unix:///a',
      '-Hunix:///b',
      '-D',
    );
    assert.equal(config.execRoot, '/run/tug');
    assert.equal(config.pidFile, '/run/tug/tugd.pid');
    assert.equal(config.dataRoot, '/d');
    assert.deepEqual(config.hosts, ['unix:///a', 'unix:///b']);
    assert.deepEqual([config.logFormat, config.logLevel, config.labels], ['json', 'debug', ['a=b']]);
    assert.equal(config.maxConcurrentDownloads, 3);
    assert.equal(config.maxConcurrentUploads, 5);
    const registries = { 'box.test': { mirrors: ['https://mirror.test/box'] } };
    assert.deepEqual(load({ registries }, '--max-concurrent-uploads', '9').registries, registries);
    assert.throws(() => load({ registries: { 'box.test': { mirror: [] } } }), /registries\.box\.test/);
    assert.throws(() => load({ registries: { 'box.test': { mirrors: ['box'] } } }), /invalid mirror: "box" must be/);
    assert.throws(() => load({}, '--registry-mirror', 'https://box.test/path'), /invalid mirror: .* without a path/);
    assert.deepEqual(loadConfig(parseFlags([])).hosts, ['unix:///run/tug/tug.sock']);
  });

  it('takes proxies from the file’s own object and from flags, but not from both', () => {
    const proxies = { 'http-proxy': 'http://a:3128', 'no-proxy': 'b.test' };
    assert.deepEqual(load({ proxies }, '--https-proxy', 'http://c').proxies, {
      HTTP_PROXY: 'http://a:3128',
      HTTPS_PROXY: 'http://c',
      NO_PROXY: 'b.test',
    });
    assert.deepEqual([load({}).proxies, load({ proxies: null }).proxies], [{}, {}]);
    const secret = { proxies: { 'http-proxy': 'http://me:secret@a' } };
    assert.throws(
      () => load(secret, '--http-proxy', 'http://b'),
      /http-proxy: \(.*from file: http:\/\/xxxxx:xxxxx@a\)/,
    );
    assert.throws(() => load({ proxies: { 'ftp-proxy': 'a' } }), /proxies: Unrecognized key: "ftp-proxy"/);
    assert.throws(() => load({ proxies: { 'no-proxy': ['a'] } }), /proxies\.no-proxy: expected string/);
  });

  it('reads the registries that names without one are looked for in', () => {
    const mirrors = { 'box.test': { mirrors: ['https://mirror.test'] } };
    const config = load({ registries: { search: ['box.test', 'localhost:5000', 'index.docker.io'], ...mirrors } });
    assert.deepEqual(config.searchRegistries, ['box.test', 'localhost:5000', 'docker.io']);
    assert.deepEqual(config.registries, mirrors);
    assert.deepEqual(load({ registries: mirrors }).searchRegistries, []);
    for (const bad of ['box', '', 'box.test/path', 'https://box.test', 'a b.test'])
      assert.throws(() => load({ registries: { search: [bad] } }), { kind: 'invalid' }, bad);
    assert.throws(() => load({ registries: { search: ['box'] } }), /registries\.search: "box" is no registry/);
    assert.throws(() => load({ registries: { search: ['a.b', 'a.b'] } }), /registries\.search: a\.b is named twice/);
    assert.throws(() => load({ registries: { search: 'a.b' } }), /registries\.search: expected array/);
  });

  it('takes limits of decompression, each by itself', () => {
    assert.deepEqual(load({}).decompressionLimits, { ratio: undefined, entries: undefined });
    assert.deepEqual(load({ 'decompression-limits': { ratio: 50 } }).decompressionLimits, {
      ratio: 50,
      entries: undefined,
    });
    for (const bad of [{ ratio: 0 }, { entries: 1.5 }, { ratio: '9' }, { bytes: 1 }, 1000])
      assert.throws(() => load({ 'decompression-limits': bad }), { message: /decompression-limits[.:]/ });
  });

  it('refuses a key that is given both ways, showing both', () => {
    assert.throws(() => load({ debug: true, hosts: ['unix:///x'] }, '--debug', '-H', 'unix:///y'), {
      kind: 'invalid',
      message:
        /the following directives are specified both as a flag and in the configuration file: debug: \(from flag: true, from file: true\), hosts: \(from flag: \[unix:\/\/\/y\], from file: \[unix:\/\/\/x\]\)|hosts: .*debug: /,
    });
  });

  it('refuses a key that is none, naming it', () => {
    assert.throws(() => load({ nonsense: 1, bridges: false }), {
      message: /the following directives don't match any configuration option: nonsense, bridges$/,
    });
  });

  it('reads how ports are published', () => {
    const plain = load({}).publishing;
    assert.deepEqual(plain.settings, { relay: true, mode: 'nat', ipv6Rules: true, address: undefined });
    assert.deepEqual([plain.hostBinding, plain.masquerade], ['', true]);
    assert.deepEqual(plain.policy, { rules: true, ipv6Rules: true, forwarding: true });
    assert.equal(load({ 'publish-default': '127.0.0.1' }).publishing.settings.address, '127.0.0.1');
    assert.equal(load({ ip: '0.0.0.0' }).publishing.hostBinding, '');
    assert.equal(load({ iptables: false }).publishing.settings.mode, 'proxy');
    assert.equal(load({ ip6tables: false }).publishing.settings.ipv6Rules, false);
    assert.throws(() => load({ ip: 'here' }), { message: /^ip: "here" is no IP address$/ });
    assert.throws(() => load({ 'publish-mode': 'proxy', 'userland-proxy': false }), { message: /^userland-proxy: / });
    assert.throws(() => load({ 'firewall-backend': 'iptables' }), { message: /firewall-backend: .*nftables/ });
  });

  it('names the key of a wrong type or value', () => {
    assert.throws(() => load({ debug: 'yes' }), { message: /debug: expected boolean, received string$/ });
    assert.throws(() => load({ hosts: ['unix:///a', 1] }), { message: /hosts\.1: expected string/ });
    assert.throws(() => load({ runtimes: { r: { path: 'relative' } } }), { message: /runtimes\.r\.path: / });
    assert.throws(() => load({ 'log-level': 'loud' }), { message: /log-level: / });
    assert.throws(() => load({ 'data-root': 'relative' }), { message: /data-root: relative is not an absolute path/ });
    assert.throws(() => load({ 'bridge-name': 'a-very-long-bridge' }), { message: /^bridge-name: .*\(1 to 15/ });
    assert.throws(() => load({ labels: ['a'] }), { message: /bad attribute format: a/ });
    assert.throws(() => load({ labels: ['a=1', 'a=2'] }), { message: /conflict labels for a/ });
  });

  it('refuses what is no JSON object, and a file that is not there if it was named', () => {
    assert.throws(() => load('{'), { message: /unable to configure the tug daemon with file .*JSON/ });
    assert.throws(() => load('[]'), { message: /holds no JSON object/ });
    assert.throws(() => loadConfig(parseFlags(['--config-file', path.join(folder, 'none')])), { message: /ENOENT/ });
    assert.equal(load('').dataRoot, '/var/lib/tug');
  });
});

describe('the command line', () => {
  it('has every key and flag in its documentation', () => {
    const text = fs.readFileSync(path.join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
    for (const [key, setting] of Object.entries(settings) as [string, Setting][]) {
      const long = `\`--${setting.flag ?? key}\``;
      const flag = setting.kind === 'file' ? '' : setting.short ? `\`-${setting.short}\`, ${long}` : long;
      assert.ok(text.includes(`| \`${key}\` | ${flag}${flag ? ' ' : ''}|`), `${key} ${flag}`);
    }
  });

  it('takes -g for the data root', () => {
    assert.equal(load({}, '-g', '/short').dataRoot, '/short');
    assert.throws(() => load({ 'data-root': '/file' }, '-g', '/short'), /data-root: \(from flag: \/short, from file:/);
  });

  it('takes toggles with and without a value', () => {
    assert.equal(parseFlags(['--debug=true']).settings.debug, true);
    assert.equal(parseFlags(['--icc=false']).settings.icc, false);
    assert.equal(parseFlags([]).settings.debug, undefined);
  });

  it('refuses unknown flags, missing values, bad numbers and stray words', () => {
    assert.throws(() => parseFlags(['--nonsense']), {
      kind: 'invalid',
      message: /^unknown flag: --nonsense\nSee 'tugd --help'/,
    });
    assert.throws(() => parseFlags(['-X']), { message: /^unknown flag: -X/ });
    assert.throws(() => parseFlags(['--data-root']), { message: /data-root/ });
    assert.throws(() => parseFlags(['--mtu', 'big']), { message: /^invalid argument "big" for "--mtu" flag/ });
    assert.throws(() => parseFlags(['-l', 'loud']), { message: /^invalid argument "loud" for "--log-level" flag/ });
    assert.throws(() => parseFlags(['start']), { message: /accepts no arguments but "doctor": start/ });
  });

  it('knows its other commands', () => {
    assert.equal(parseFlags(['-v']).command, 'version');
    assert.equal(parseFlags(['--help']).command, 'help');
    assert.equal(parseFlags(['--validate']).command, 'validate');
    assert.equal(parseFlags(['doctor', '--data-root', '/x']).command, 'doctor');
  });

  it('lists every flag in its help', () => {
    const text = helpText();
    for (const flag of [
      '-H, --host list',
      '--storage-driver string',
      '--insecure-registry list',
      '-D, --debug ',
      '--validate',
    ]) {
      assert.ok(text.includes(flag), flag);
    }
  });
});
