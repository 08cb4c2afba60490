import type { Flag } from '../command.ts';

const list = (long: string, description: string, more: Partial<Flag> = {}): Flag => ({
  ...{ long, kind: 'list', description },
  ...more,
});
const text = (long: string, description: string, more: Partial<Flag> = {}): Flag => ({
  ...{ long, kind: 'string', description },
  ...more,
});
const number = (long: string, description: string, more: Partial<Flag> = {}): Flag => ({
  ...{ long, kind: 'int', description },
  ...more,
});
const bool = (long: string, description: string, more: Partial<Flag> = {}): Flag => ({
  ...{ long, kind: 'bool', description },
  ...more,
});

/** The options of `build`. */
export const buildFlags: readonly Flag[] = [
  list('add-host', 'A host name of its own for the commands (HOST:IP)'),
  list('allow', 'What RUN may ask for that could harm the host (network.host, security.insecure)', {
    value: 'stringArray',
  }),
  list('build-arg', 'A value for an ARG (NAME=VALUE; NAME alone takes it from the environment)'),
  list('build-context', 'Further files that --from may name (NAME=PATH, NAME=docker-image://IMAGE)', {
    value: 'stringArray',
  }),
  list('cache-from', 'A cache of another build (NAME; type=registry,ref=NAME; type=local,src=FOLDER)', {
    value: 'stringArray',
  }),
  list('cache-to', 'Where to send the cache (type=inline, registry with ref, local with dest; mode=min|max)', {
    value: 'stringArray',
  }),
  list('attest', 'Statements to attach to the image (type=provenance[,mode=min|max,version=v0.2|v1])', {
    value: 'stringArray',
  }),
  text('call', 'What to do: build, check, outline, targets', { default: 'build' }),
  text('cgroup-parent', 'Parent control group of the commands'),
  bool('check', 'Only look for faults in the Dockerfile (--call=check)'),
  bool('compress', 'Compress the files on their way to the engine'),
  number('cpu-period', 'Limit the CPU CFS (Completely Fair Scheduler) period'),
  number('cpu-quota', 'Limit the CPU CFS (Completely Fair Scheduler) quota'),
  number('cpu-shares', 'CPU shares (relative weight)', { short: 'c' }),
  text('cpuset-cpus', 'CPUs that the commands may use (0-3, 0,1)'),
  text('cpuset-mems', 'Memory nodes that the commands may use (0-3, 0,1)'),
  bool('disable-content-trust', 'Do not verify signatures', { default: 'true' }),
  text('file', 'The Dockerfile (default: PATH/Dockerfile; "-" for standard input)', { short: 'f' }),
  bool('force-rm', 'Leave no container of a step that failed, which is always so'),
  text('iidfile', "Write the image's id to this file"),
  text('isolation', 'Container isolation technology'),
  list('label', 'A label of the image (KEY=VALUE)'),
  bool('load', 'Keep the image in the engine, which is always so'),
  text('memory', 'Most memory of a command', { short: 'm', value: 'bytes' }),
  text('memory-swap', 'Most memory and swap of a command, -1 for unlimited swap', { value: 'bytes' }),
  text('metadata-file', 'Write what was made to this file, as JSON'),
  text('network', 'The network of the commands: default, none, host', { default: 'default' }),
  bool('no-cache', 'Do every step again'),
  list('no-cache-filter', 'Do the steps of these stages again', { value: 'stringArray' }),
  list('output', 'Where the result goes (type=local,dest=PATH; type=tar, oci, docker, image, registry)', {
    short: 'o',
    value: 'stringArray',
  }),
  text('platform', 'The platform of the image (OS/ARCH[/VARIANT])'),
  text('progress', 'How to show the steps: auto, plain, tty, quiet, rawjson', { default: 'auto' }),
  text('provenance', 'As --attest=type=provenance'),
  bool('pull', 'Ask the registries for newer base images'),
  bool('push', 'Push the image when it is made (--output=type=registry)'),
  bool('quiet', "Print nothing but the image's id", { short: 'q' }),
  bool('rm', 'Leave no containers of the steps; false is refused', { default: 'true' }),
  text('sbom', 'As --attest=type=sbom; only false is taken'),
  list('secret', 'A secret for --mount=type=secret (id=NAME,src=FILE or id=NAME,env=VARIABLE)', {
    value: 'stringArray',
  }),
  list('security-opt', 'Security options of the commands'),
  text('shm-size', 'Size of /dev/shm', { value: 'bytes' }),
  bool('squash', 'Make one layer of all that is on top of the base image'),
  list('ssh', 'An ssh agent for --mount=type=ssh (default, or NAME=SOCKET)', { value: 'stringArray' }),
  list('tag', 'A name for the image (NAME[:TAG])', { short: 't' }),
  text('target', 'The stage to build'),
  bool('why', 'Say why each step that was done was not taken from the cache'),
  list('ulimit', 'Limits of the commands (NAME=SOFT[:HARD])', { value: 'ulimit' }),
];
