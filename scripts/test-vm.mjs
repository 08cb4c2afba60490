// npm run test:vm: the engine in a virtual machine whose kernel has cgroup v2. What needs npm packages is in test/vm.
import { ensureDependencies } from './setup/dependencies.mjs';
import { entry, requireRoot, runTypeScript } from './setup/entry.mjs';
import { ensurePackages, machineNeeds, testNeeds } from './setup/packages.mjs';

await entry('npm run test:vm', () => {
  requireRoot('a guest is built as root');
  const tools = testNeeds.filter(({ program }) => ['debootstrap', 'mkfs.ext4'].includes(program));
  ensurePackages([...machineNeeds, ...tools]);
  ensureDependencies();
  return runTypeScript('test/vm/run.ts', process.argv.slice(2));
});
