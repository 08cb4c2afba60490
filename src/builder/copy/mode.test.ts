import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseModeChange } from './mode.ts';

it('--chmod takes octal numbers and the words of chmod', () => {
  const cases: [text: string, mode: number, isFolder: boolean, result: number][] = [
    ['0755', 0o600, false, 0o755],
    ['4711', 0o600, false, 0o4711],
    ['u=rwX,go=rX', 0o640, false, 0o644],
    ['u=rwX,go=rX', 0o640, true, 0o755],
    ['u=rwX,go=rX', 0o750, false, 0o755],
    ['+x', 0o644, false, 0o755],
    ['go-rwx', 0o777, false, 0o700],
    ['u+s', 0o755, false, 0o4755],
  ];
  for (const [text, mode, isFolder, result] of cases)
    assert.equal(parseModeChange(text)(mode, isFolder).toString(8), result.toString(8), text);
  for (const text of ['', '9', '12345', 'x', 'u=q', 'rwx']) assert.throws(() => parseModeChange(text), /chmod/);
});
