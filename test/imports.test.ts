import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { run } from '../src/base/process.ts';
import { checkImports, findTopLevelEffects, parseImports } from './helpers/import-rules.ts';

const projectRoot = path.resolve(import.meta.dirname, '..');

function readProject(): Map<string, string> {
  const files = globSync(['src/**/*.ts', 'bin/*.{ts,mjs}'], { cwd: projectRoot });
  return new Map(files.sort().map((file) => [file, readFileSync(path.join(projectRoot, file), 'utf8')]));
}

describe('the project', () => {
  it('keeps the layout that docs/ARCHITECTURE.md describes', () => {
    assert.deepEqual(checkImports(readProject()), []);
  });

  it('runs nothing at the top level of a module', () => {
    assert.deepEqual(findTopLevelEffects(readProject()), []);
  });

  it('can be imported whole without output and without anything left open', async () => {
    const files = [...readProject().keys()].filter(
      (file) => file.startsWith('src/') && !/(\.test|worker|contract-suite)\.ts$/.test(file),
    );
    const script = `${files.map((file) => `await import(${JSON.stringify(path.join(projectRoot, file))});`).join('\n')}
      console.error(JSON.stringify(process.getActiveResourcesInfo().filter((name) => !/Pipe|TTY|File/.test(name))));`;
    const result = await run(process.execPath, ['--input-type=module', '-e', script], { timeout: 300_000 });
    assert.deepEqual(result, { code: 0, stdout: '', stderr: '[]\n' });
  });
});

describe('the import rules', () => {
  const check = (files: Record<string, string>): string[] => checkImports(new Map(Object.entries(files)));

  it('refuse an import that goes up', () => {
    assert.deepEqual(check({ 'src/base/a.ts': `import { b } from '../api/b.ts';`, 'src/api/b.ts': '' }), [
      'src/base/a.ts imports src/api/b.ts: imports go only downward, base lies below api',
    ]);
  });

  it('refuse a type that comes from above', () => {
    assert.match(
      check({ 'src/images/a.ts': `import type { A } from '../containers/contract.ts';` }).join(),
      /only downward/,
    );
  });

  it('let domains meet through contract.ts and types only', () => {
    const from = (text: string): string[] => check({ 'src/images/a.ts': text });
    assert.match(from(`import { x } from '../events/bus.ts';`).join(), /domains meet only/);
    assert.match(from(`import { type X, y } from '../events/bus.ts';`).join(), /domains meet only/);
    assert.deepEqual(from(`import type { X } from '../events/bus.ts';`), []);
    assert.deepEqual(from(`import { type X, type Y } from '../events/bus.ts';`), []);
    assert.deepEqual(from(`import { x } from '../events/contract.ts';`), []);
    assert.deepEqual(check({ 'src/events/a.ts': `import type { X } from '../images/contract.ts';` }), []);
  });

  it('let only builtins.ts import drivers, and a driver its neighbours', () => {
    const text = `import { file } from '../logs/drivers/json-file.ts';`;
    assert.match(check({ 'src/containers/a.ts': text }).join(), /only daemon\/builtins.ts imports drivers/);
    assert.match(check({ 'src/logs/a.ts': `export { file } from './drivers/json-file.ts';` }).join(), /only daemon/);
    assert.deepEqual(check({ 'src/daemon/builtins.ts': text }), []);
    assert.deepEqual(check({ 'src/containers/a.test.ts': text }), []);
    assert.deepEqual(check({ 'src/logs/drivers/local.ts': `import { x } from './json-file.ts';` }), []);
  });

  it('keep the command line away from the engine, also when loaded later', () => {
    assert.match(check({ 'src/cli/a.ts': `import { x } from '../host/mount.ts';` }).join(), /cli imports only/);
    assert.match(check({ 'src/cli/a.ts': `const x = await import('../host/mount.ts');` }).join(), /cli imports only/);
    assert.match(check({ 'src/client/a.ts': `import '../daemon/main.ts';` }).join(), /client imports only/);
    assert.match(check({ 'src/compose/a.ts': `export * from '../cli/main.ts';` }).join(), /compose imports only/);
  });

  it('keep the registry server and the client away from the daemon', () => {
    assert.match(
      check({ 'src/registry-server/a.ts': `import { x } from '../daemon/main.ts';` }).join(),
      /only downward/,
    );
  });

  it('refuse folders the layout does not know, and files outside src', () => {
    assert.match(
      check({ 'src/utils/a.ts': `import { x } from '../base/x.ts';` }).join(),
      /knows no folder "src\/utils"/,
    );
    assert.match(check({ 'src/base/a.ts': `import { x } from '../../test/x.ts';` }).join(), /nothing from outside src/);
  });

  it('find a cycle of any length once, and none among types or late imports', () => {
    const loop = {
      'src/base/a.ts': `import { b } from './b.ts';`,
      'src/base/b.ts': `import {\n  c,\n} from './c.ts';`,
      'src/base/c.ts': `export * from './a.ts';`,
    };
    assert.deepEqual(check(loop), ['import cycle: src/base/a.ts -> src/base/b.ts -> src/base/c.ts -> src/base/a.ts']);
    assert.deepEqual(check({ ...loop, 'src/base/c.ts': `import type { A } from './a.ts';` }), []);
    assert.deepEqual(check({ ...loop, 'src/base/c.ts': `const a = () => import('./a.ts');` }), []);
  });

  it('read imports over several lines and none in comments or texts', () => {
    const text = `import {\n  a,\n  type B,\n} from './x.ts';\n// import { c } from './c.ts';\nconst t = \`\nimport { d } from './d.ts';\n\`;`;
    assert.deepEqual(parseImports('src/base/a.ts', text), [
      { target: 'src/base/x.ts', specifier: './x.ts', typeOnly: false, dynamic: false },
    ]);
  });

  it('find what runs on import', () => {
    const effects = (text: string): string[] => findTopLevelEffects(new Map([['src/base/a.ts', text]]));
    assert.deepEqual(effects(`start();`), ['src/base/a.ts:1: importing it runs "start();"']);
    assert.equal(effects(`process.on('exit', () => {});`).length, 1);
    assert.equal(effects(`export const x = await load();`).length, 1);
    assert.equal(effects(`if (ready) go();`).length, 1);
    assert.deepEqual(
      effects(`const sql = \`\nINSERT INTO x\n\`;\n/*\nrun();\n*/\nexport function f() {\n  run();\n}`),
      [],
    );
  });
});
