import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderTable } from './table.ts';
import { wrapText } from './wrap.ts';

describe('a table', () => {
  it('pads each column to its widest cell plus three, at least ten, and the last not at all', () => {
    const rows = [
      ['ID', 'A LONGER HEADER', 'END'],
      ['0123456789ab', 'x', 'tail'],
    ];
    assert.equal(renderTable(rows), 'ID             A LONGER HEADER   END\n0123456789ab   x                 tail\n');
    assert.equal(renderTable([['A', 'B']]), 'A         B\n');
  });

  it('counts characters, not bytes', () => {
    assert.equal(renderTable([['äöü…', 'x']]), 'äöü…      x\n');
  });
});

describe('wrapped text', () => {
  it('breaks at spaces, keeps its own breaks, and indents what follows', () => {
    const text = 'one two three four five six seven eight nine\nten';
    assert.equal(wrapText(text, 4, 44), 'one two three four five six seven\n    eight nine\n    ten');
  });

  it('lets a short last word stick out, and does not break where there is no room', () => {
    assert.equal(wrapText('aaaaaaaaaa bbbbbbbbbb cccccccccc dd', 0, 36), 'aaaaaaaaaa bbbbbbbbbb cccccccccc dd');
    assert.equal(wrapText('one two three', 40, 50), 'one two three');
  });
});
