import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { parseReference } from '../formats/reference.ts';
import { type LocalManifest, openManifestLists } from './manifest-lists.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-lists-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const list = parseReference('box:5000/team/app:all');
const one = parseReference('box:5000/team/app:one');
const two = parseReference(`box:5000/team/app@sha256:${'2'.repeat(64)}`);
const manifest = (Ref: string): LocalManifest => ({
  Ref,
  Descriptor: { mediaType: 'm', digest: 'sha256:0', size: 1 },
  Raw: 'e30=',
});
const at = (...parts: string[]) => path.join(folder, 'manifests', ...parts);

describe('local lists of manifests', () => {
  it('lie where Docker keeps them, in the order of their files', () => {
    const lists = openManifestLists(folder);
    assert.equal(lists.list(list), undefined);
    lists.save(list, [
      { image: one, manifest: manifest('one') },
      { image: two, manifest: manifest('two') },
    ]);
    assert.deepEqual(fs.readdirSync(at()), ['box-5000_team_app-all']);
    assert.deepEqual(fs.readdirSync(at('box-5000_team_app-all')).sort(), [
      'box-5000_team_app-one',
      `box-5000_team_app@sha256-${'2'.repeat(64)}`,
    ]);
    lists.save(list, [{ image: one, manifest: manifest('again') }]);
    assert.deepEqual(
      lists.list(list)?.map(({ Ref }) => Ref),
      ['again', 'two'],
    );
    assert.equal(lists.get(list, two)?.Ref, 'two');
    assert.equal(lists.get(list, list), undefined);
    assert.deepEqual([lists.remove(list), lists.remove(list)], [true, false]);
    assert.deepEqual(fs.readdirSync(at()), []);
  });

  it('are left as they were when a file cannot be written', () => {
    const lists = openManifestLists(folder);
    fs.mkdirSync(at('box-5000_team_app-all', 'box-5000_team_app-one', 'in the way'), { recursive: true });
    assert.throws(() => lists.save(list, [{ image: one, manifest: manifest('one') }]));
    assert.deepEqual(fs.readdirSync(at()), ['box-5000_team_app-all']);
  });

  it('are swept of old drafts that a killed program left, not of new ones', () => {
    fs.mkdirSync(at('.tmp-old', 'x'), { recursive: true });
    fs.utimesSync(at('.tmp-old'), 1, 1);
    fs.writeFileSync(at('.tmp-new'), '');
    openManifestLists(folder).save(list, [{ image: one, manifest: manifest('one') }]);
    assert.deepEqual(fs.readdirSync(at()).sort(), ['.tmp-new', 'box-5000_team_app-all']);
  });

  it('tell of a damaged file, and can be removed with it', () => {
    const lists = openManifestLists(folder);
    for (const text of ['', '{', 'null', '{"Ref":"x"}']) {
      lists.save(list, [{ image: one, manifest: manifest('one') }]);
      fs.writeFileSync(at('box-5000_team_app-all', 'box-5000_team_app-one'), text);
      assert.throws(() => lists.list(list), /is damaged \(.*\): remove its list/);
      assert.equal(lists.remove(list), true);
    }
  });
});
