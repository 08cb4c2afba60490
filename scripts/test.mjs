// npm test: from a clean clone to a proven engine. What needs npm packages is in test/run.ts.
import { ensureDependencies } from './setup/dependencies.mjs';
import { entry, requireRoot, runTypeScript } from './setup/entry.mjs';
import { engineNeeds, ensurePackages, testNeeds } from './setup/packages.mjs';

await entry('npm test', () => {
  requireRoot('the integration tests need root');
  ensurePackages([...engineNeeds, ...testNeeds]);
  ensureDependencies();
  return runTypeScript('test/run.ts', process.argv.slice(2));
});
