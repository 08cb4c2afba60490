import assert from 'node:assert/strict';
import { it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage } from '../helpers/engine.ts';
import { patience, sayer } from './say.ts';

// Runs in the guest whose init is systemd: containers whose lines a real journal takes.

interface Entry {
  readonly [field: string]: string | number[] | undefined;
}

const longLine = 40_000;

/** What the journal has of a container, oldest first. */
async function entriesOf(name: string): Promise<Entry[]> {
  await runChecked('journalctl', ['--sync']);
  const text = await runChecked('journalctl', ['--all', '-o', 'json', `CONTAINER_NAME=${name}`], { timeout: patience });
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Entry);
}

it('the journal gets lines with their priorities, names and pieces, and logs reads them back', {
  timeout: 2 * patience,
}, async () => {
  await using engine = await startEngine({ timeout: patience, args: ['--log-driver', 'journald'] });
  await starterImage(engine);
  const say = sayer(engine);
  const script = [
    'echo out; echo err >&2; printf "bytes \\377\\001\\n"',
    `head -c ${longLine} /dev/zero | tr "\\0" x; echo; printf "no end"`,
  ].join('; ');
  const options = ['--log-opt', 'tag={{.Name}}/{{.ImageName}}', '--log-opt', 'labels=com.x', '-l', 'com.x=y'];
  await say('run', '--name', 'told', ...options, 'busybox', 'sh', '-c', script);
  const id = await say('inspect', '--format', '{{.Id}}', 'told');
  assert.equal(await say('inspect', '--format', '{{.HostConfig.LogConfig.Type}}', 'told'), 'journald');

  const entries = await entriesOf('told');
  const find = (message: string): Entry => {
    const found = entries.find(({ MESSAGE }) => MESSAGE === message);
    assert.ok(found, `the journal lacks ${message}: ${entries.map(({ MESSAGE }) => String(MESSAGE).slice(0, 40))}`);
    return found;
  };
  for (const [message, priority, partial] of [
    ['out', '6', undefined],
    ['err', '3', undefined],
    ['no end', '6', 'true'],
  ] as const) {
    const entry = find(message);
    assert.equal(entry['PRIORITY'], priority);
    assert.deepEqual(
      ['CONTAINER_ID', 'CONTAINER_ID_FULL', 'CONTAINER_TAG', 'IMAGE_NAME', 'SYSLOG_IDENTIFIER', 'COM_X'].map(
        (field) => entry[field],
      ),
      [id.slice(0, 12), id, 'told/busybox', 'busybox', 'told/busybox', 'y'],
    );
    assert.equal(entry['CONTAINER_PARTIAL_MESSAGE'], partial);
    assert.match(String(entry['SYSLOG_TIMESTAMP']), /^20\d\d-\d\d-\d\dT.*Z$/);
  }
  assert.ok(
    entries.some(
      ({ MESSAGE }) => Array.isArray(MESSAGE) && Buffer.from(MESSAGE).equals(Buffer.from('bytes \xff\x01', 'latin1')),
    ),
    'bytes that are no text are kept',
  );

  const pieces = entries.filter(({ MESSAGE }) => /^x+$/.test(String(MESSAGE)));
  assert.equal(pieces.map(({ MESSAGE }) => MESSAGE).join('').length, longLine);
  assert.ok(pieces.length > 1, 'a long line comes in pieces');
  assert.deepEqual(
    pieces.map((piece) => piece['CONTAINER_PARTIAL_MESSAGE']),
    pieces.map((_, index) => (index < pieces.length - 1 ? 'true' : undefined)),
  );
  assert.deepEqual(
    pieces.map((piece) => piece['CONTAINER_PARTIAL_ORDINAL']),
    pieces.map((_, index) => String(index + 1)),
  );

  for (const cli of ['tug', 'docker'] as const) {
    const { stdout, stderr } = await engine[cli](['logs', 'told'], { timeout: patience });
    assert.deepEqual([stdout.startsWith('out\n'), stdout.endsWith('x\nno end'), stderr], [true, true, 'err\n'], cli);
  }
  await say('run', '--name', 'mute', '--log-opt', 'cache-disabled=true', 'busybox', 'echo', 'heard');
  assert.equal((await entriesOf('mute'))[0]?.['MESSAGE'], 'heard');
  const { code, stderr } = await engine.tug(['logs', 'mute']);
  assert.deepEqual([code, stderr.includes('does not support reading')], [1, true], stderr);
});
