import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { after, describe, it } from 'node:test';
import { createNetworkNamespace, deleteNetworkNamespace, insideNetworkNamespace } from './namespaces.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-namespaces-'));
after(() => fs.rmSync(folder, { recursive: true }));
const here = (): string => fs.readlinkSync('/proc/thread-self/ns/net');

describe('a network namespace', () => {
  it('is pinned, entered and left again, and gone when it is deleted', async () => {
    const home = here();
    const file = path.join(folder, 'pinned');
    const made = createNetworkNamespace(file, here);
    assert.notEqual(made, home);
    assert.equal(here(), home);
    assert.equal(insideNetworkNamespace(file, here), made);
    assert.equal(here(), home);
    assert.equal(spawnSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }).stdout.trim(), home);
    assert.equal(await fs.promises.readlink('/proc/thread-self/ns/net'), home);
    deleteNetworkNamespace(file);
    deleteNetworkNamespace(file);
    assert.equal(fs.existsSync(file), false);
  });

  it('leaves nothing when the work inside fails', () => {
    const home = here();
    const file = path.join(folder, 'failed');
    const failing = () => {
      throw new Error('no');
    };
    assert.throws(() => createNetworkNamespace(file, failing), /no/);
    assert.equal(fs.existsSync(file), false);
    assert.equal(here(), home);
  });

  it('is not made where a file is already, and that file stays', () => {
    const file = path.join(folder, 'taken');
    fs.writeFileSync(file, 'mine');
    assert.throws(() => createNetworkNamespace(file, here), { code: 'EEXIST' });
    assert.equal(fs.readFileSync(file, 'utf8'), 'mine');
  });

  it('that does not exist cannot be entered', () => {
    assert.throws(() => insideNetworkNamespace(path.join(folder, 'none'), here), { code: 'ENOENT' });
  });
});
