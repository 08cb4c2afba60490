import { run, runChecked } from '../../src/base/process.ts';
import { patience } from './say.ts';

/** The beginning of a command line that runs on another machine: a network namespace at the end of a veth pair. */
export const outside = ['ip', 'netns', 'exec', 'outside'];
/** The guest's interface to that machine, and the addresses at both ends. */
export const uplink = 'up0';
const here = '198.51.100.1';
export const there = '198.51.100.2';

/** Makes that machine; it goes with the guest. */
export async function makeOutside(): Promise<void> {
  await runChecked('ip', ['netns', 'add', 'outside']);
  await runChecked('ip', ['link', 'add', uplink, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'outside']);
  await runChecked('ip', ['address', 'add', `${here}/24`, 'dev', uplink]);
  await runChecked('ip', ['link', 'set', uplink, 'up']);
  await runChecked('ip', ['-n', 'outside', 'address', 'add', `${there}/24`, 'dev', 'eth0']);
  await runChecked('ip', ['-n', 'outside', 'link', 'set', 'eth0', 'up']);
}

/** Where a published port is, seen from there. */
export const at = (port: number): string => `http://${here}:${port}/`;

/** Fetches a page; the busybox of the guest, which is linked statically, ends with a fault when it looks at a URL. */
const fetchIt = `const [, url, tries] = process.argv;
for (let left = Number(tries); left > 0; left -= 1) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  if (answer?.ok) { process.stdout.write(await answer.text()); process.exit(0); }
  await new Promise((resolve) => setTimeout(resolve, 1000));
}`;

/** What is served there to somebody, or nothing when it is not in so many tries. */
export async function get(who: readonly string[], url: string, tries = 20): Promise<string> {
  const node = [process.execPath, '--input-type=module', '-e', fetchIt, url, String(tries)];
  const [file = '', ...args] = [...who, ...node];
  return (await run(file, args, { timeout: patience })).stdout;
}

/** Arguments that serve `hello` at port 80 of a container. */
export const serve = ['busybox', 'sh', '-c', 'echo hello > /index.html; exec httpd -f -p 80'];
/** A command that shows from a container that the machine outside answers. */
export const pingOutside = ['ping', '-c1', '-w60', there];
export const answered = /1 packets received/;
