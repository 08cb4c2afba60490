import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { runChecked } from '../../base/process.ts';
import { fetchGit, withoutLogin } from './git.ts';

async function makeRepository(place: string, files: Readonly<Record<string, string>>, submodule?: string) {
  const settings = ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'protocol.file.allow=always'];
  const env = { ...process.env, HOME: '/nonexistent' };
  const git = (...args: string[]) => runChecked('git', ['-C', place, ...settings, ...args], { env });
  fs.mkdirSync(place);
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(place, name), text);
  await git('init', '-q', '-b', 'main');
  if (submodule !== undefined) await git('submodule', '--quiet', 'add', submodule, 'below');
  await git('add', '.');
  await git('commit', '-qm', 'one');
  return `file://${place}`;
}

describe('a fetched repository', () => {
  it('has its submodules, and settings in it are not those of git here', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-git-'));
    try {
      const told = path.join(folder, 'told');
      const below = await makeRepository(path.join(folder, 'below'), {
        '.gitattributes': '* filter=own',
        file: 'text\n',
      });
      const settings = `[filter "own"]\n\tsmudge = touch ${told}; cat\n`;
      const remote = await makeRepository(path.join(folder, 'above'), { '.gitconfig': settings }, below);
      const options = { place: path.join(folder, 'fetched'), keepGit: false };
      const { tree } = await fetchGit({ remote, ref: 'main', folder: '' }, options, new AbortController().signal);
      assert.equal(tree.look('below/file')?.size, 5);
      assert.ok(!fs.existsSync(told));
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});

describe('an address without the login in it', () => {
  it('has nothing of user and password, whatever these are made of', () => {
    for (const login of ['u@', 'u:p@', 'u:p@ss@'])
      assert.equal(withoutLogin(`https://${login}host/a@b.git#ref`), 'https://host/a@b.git#ref');
    assert.equal(withoutLogin('HTTPS://u:p@host/x'), 'HTTPS://host/x');
    assert.equal(withoutLogin('https://host/a@b.git'), 'https://host/a@b.git');
    assert.equal(withoutLogin('git@host:a'), 'git@host:a');
  });
});
