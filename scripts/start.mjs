// npm start: from a clean clone to a running container. What needs npm packages is in start-engine.ts.
import { ensureDependencies } from './setup/dependencies.mjs';
import { entry, requireRoot, runTypeScript } from './setup/entry.mjs';
import { engineNeeds, ensurePackages } from './setup/packages.mjs';

await entry('npm start', () => {
  requireRoot('the engine needs root');
  const packages = ensurePackages(engineNeeds);
  if (packages.length > 0) console.log(`Installed the packages ${packages.join(', ')}.`);
  ensureDependencies();
  return runTypeScript('scripts/start-engine.ts', process.argv.slice(2));
});
