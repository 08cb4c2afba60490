import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandHelp, groupHelp, programHelp } from './help.ts';
import { groups, topLevel } from './tree.ts';

const leaves = [
  ...topLevel.map((leaf) => ({ path: leaf.name, leaf })),
  ...groups.flatMap((group) => group.leaves.map((leaf) => ({ path: `${group.name} ${leaf.name}`, leaf }))),
];

describe('every command', () => {
  for (const { path, leaf } of leaves) {
    it(`${path} knows its own paths and has a sound table of options`, async () => {
      const { command } = await leaf.load();
      assert.ok(command.paths.includes(path), `${path} is not among ${command.paths.join(', ')}`);
      const longs = command.flags.map((flag) => flag.long);
      assert.equal(new Set(longs).size, longs.length, 'an option is listed twice');
      const shorts = command.flags.flatMap((flag) => flag.short ?? []);
      assert.equal(new Set(shorts).size, shorts.length, 'a shorthand is listed twice');
      for (const flag of command.flags) {
        if (flag.aliasOf) assert.ok(longs.includes(flag.aliasOf), `--${flag.long} stands for an unknown option`);
        else assert.notEqual(flag.description, '', `--${flag.long} has no description`);
      }
    });
  }
});

describe('help', () => {
  it('shows usage, purpose, aliases and options in columns', async () => {
    const { command } = await topLevel.find((leaf) => leaf.name === 'stop')!.load();
    assert.equal(
      commandHelp(command, 'stop', 80),
      `Usage:  tug stop [OPTIONS] CONTAINER [CONTAINER...]

Stop running containers

Aliases:
  tug container stop, tug stop

Options:
  -s, --signal string   Signal to send first
  -t, --timeout int     Seconds until SIGKILL; -1 for never
`,
    );
  });

  it('keeps every line of the longest one within the terminal', async () => {
    const { command } = await topLevel.find((leaf) => leaf.name === 'run')!.load();
    for (const line of commandHelp(command, 'run', 80).split('\n')) assert.ok(line.length <= 80, line);
  });

  it('lists the commands of a noun and of the program', async () => {
    assert.match(
      await groupHelp(groups.find(({ name }) => name === 'container')!),
      /^Usage: {2}tug container COMMAND\n[\s\S]*\n {2}attach {6}Connect/,
    );
    const all = await programHelp(80);
    assert.match(all, /^Usage: {2}tug \[OPTIONS\] COMMAND\n/);
    for (const heading of ['Common Commands', 'Management Commands', 'Commands', 'Global Options'])
      assert.ok(all.includes(`\n${heading}:\n`), heading);
  });
});
