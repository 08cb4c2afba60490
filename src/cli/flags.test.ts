import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Flag } from './command.ts';
import { parseFlags, parseInteger } from './flags.ts';

const table: readonly Flag[] = [
  { long: 'interactive', short: 'i', kind: 'bool', description: '' },
  { long: 'tty', short: 't', kind: 'bool', description: '' },
  { long: 'proxy', kind: 'bool', default: 'true', description: '' },
  { long: 'publish', short: 'p', kind: 'list', description: '' },
  { long: 'old-publish', kind: 'list', description: '', aliasOf: 'publish' },
  { long: 'name', kind: 'string', description: '' },
  { long: 'last', short: 'n', kind: 'int', default: '-1', description: '' },
  {
    long: 'label',
    short: 'l',
    kind: 'list',
    description: '',
    check: (text) => {
      if (text.startsWith('=')) throw new Error('empty name');
    },
  },
];
const parse = (line: string, stop = false) => parseFlags(table, line === '' ? [] : line.split(' '), stop);
const failing = (line: string, message: string) => assert.throws(() => parse(line), { message });

describe('a command line', () => {
  it('takes shorthands alone, grouped, and with their value attached or behind', () => {
    const { flags, args } = parse('-it -p80:80 -p 81 -p=82 -tn5 image');
    assert.ok(flags.bool('interactive') && flags.bool('tty'));
    assert.deepEqual(flags.list('publish'), ['80:80', '81', '82']);
    assert.equal(flags.int('last'), 5);
    assert.deepEqual(args, ['image']);
  });

  it('takes long options with = or a space, and booleans only with =', () => {
    const { flags, args } = parse('--name=a=b --tty --proxy=false --interactive=0 false');
    assert.equal(flags.string('name'), 'a=b');
    assert.deepEqual([flags.bool('tty'), flags.bool('proxy'), flags.bool('interactive')], [true, false, false]);
    assert.deepEqual(args, ['false']);
    assert.equal(parse('-t=false').flags.bool('tty'), false);
  });

  it('takes a value that begins with a dash', () => {
    assert.equal(parse('-n -1').flags.int('last'), -1);
    assert.equal(parse('--name --tty').flags.string('name'), '--tty');
  });

  it('reads options between arguments, or none after the first one', () => {
    assert.deepEqual(parse('a -t b').args, ['a', 'b']);
    const { flags, args } = parse('-i a -t -- b', true);
    assert.deepEqual([flags.bool('interactive'), flags.bool('tty')], [true, false]);
    assert.deepEqual(args, ['a', '-t', '--', 'b']);
  });

  it('ends the options at --, and takes - as an argument', () => {
    assert.deepEqual(parse('-t - -- -x --name').args, ['-', '-x', '--name']);
    assert.deepEqual(parse('-- a -x', true).args, ['a', '-x']);
  });

  it('knows what was given from what is a default', () => {
    const { flags } = parse('--proxy --old-publish 1');
    assert.deepEqual([flags.given('proxy'), flags.given('last'), flags.given('publish')], [true, false, true]);
    assert.deepEqual([flags.int('last'), flags.optional('name'), flags.string('name')], [-1, undefined, '']);
  });

  it('asks for help', () => {
    assert.equal(parse('a --help').help, 'help');
    assert.equal(parse('-h').help, 'short-help');
    assert.equal(parse('--help=false').help, false);
  });

  it("fails in pflag's words", () => {
    failing('--foo', 'unknown flag: --foo');
    failing('-x', "unknown shorthand flag: 'x' in -x");
    failing('-itxy', "unknown shorthand flag: 'x' in -xy");
    failing('--name', 'flag needs an argument: --name');
    failing('-tp', "flag needs an argument: 'p' in -p");
    failing('---x', 'bad flag syntax: ---x');
    failing(
      '-t=maybe',
      'invalid argument "maybe" for "-t, --tty" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    );
    failing('-n x', 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax');
    failing('-l =x', 'invalid argument "=x" for "-l, --label" flag: empty name');
  });
});

describe('integers', () => {
  it('are decimal, hexadecimal, octal or binary', () => {
    assert.deepEqual(['-7', '+7', '0x10', '0b11', '0o17', '017', '0'].map(parseInteger), [-7, 7, 16, 3, 15, 15, 0]);
    for (const text of ['', '1.5', '1e3', '08', 'x', ' 1']) assert.throws(() => parseInteger(text), /invalid syntax/);
    assert.throws(() => parseInteger('99999999999999999999'), /value out of range/);
  });
});
