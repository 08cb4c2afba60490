// npm stop. Without npm packages no engine of this folder can be running.
import { existsSync } from 'node:fs';
import { projectNode } from './setup/dependencies.mjs';
import { entry, requireRoot, runTypeScript } from './setup/entry.mjs';

await entry('npm stop', () => {
  requireRoot('the engine belongs to root');
  if (existsSync(projectNode)) return runTypeScript('scripts/stop.ts', process.argv.slice(2));
  console.log('tugd is not running.');
  return 0;
});
