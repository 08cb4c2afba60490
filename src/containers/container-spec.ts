import type { Sandbox } from '../networks/contract.ts';
import { countCpus } from '../runtime/spec/cpu-set.ts';
import { kernelHasSeccomp } from '../runtime/spec/security.ts';
import { buildSpec } from '../runtime/spec/spec.ts';
import type { OciMount, OciSpec } from '../runtime/spec/types.ts';
import { type ContainerContext, cgroupPathOf, pathsOf } from './context.ts';
import { containerHostname } from './files.ts';
import { linkEnvironment } from './links.ts';
import { processEnvironment } from './merge.ts';
import { inOrder } from './mount-requests.ts';
import type { ContainerRecord } from './record.ts';
import type { JoinedNamespaces } from './shared-namespaces.ts';
import { lookUpUser } from './user.ts';
import { checkUser, type UserNamespace } from './user-namespace.ts';

/** The namespaces that a container is started into, but for its own. */
export type Namespaces = Omit<JoinedNamespaces, typeof Symbol.dispose> & {
  readonly user: UserNamespace | undefined;
  /** The control group, where it is not the container's own. */
  readonly group?: string | undefined;
};

/** The configuration that the runtime creates a container from. `own` are the mounts that the engine made for it. */
export function specOf(
  context: ContainerContext,
  record: ContainerRecord,
  sandbox: Sandbox,
  own: readonly OciMount[],
  { pid, ipc, user: userNamespace, group }: Namespaces,
): OciSpec {
  const paths = pathsOf(context, record);
  const user = userOf(context, record);
  if (userNamespace) checkUser(userNamespace.maps, user);
  const hostname = containerHostname(record);
  const init = record.host.Init ? context.initPath : undefined;
  const command = [record.path, ...record.args];
  const mounts = inOrder(own);
  if (init) mounts.push({ destination: INIT_TARGET, type: 'bind', source: init, options: ['bind', 'ro'] });
  return buildSpec({
    rootfs: paths.rootfs,
    hostname,
    domainname: record.config.Domainname ?? '',
    args: init ? [INIT_TARGET, '--', ...command] : command,
    env: processEnvironment(record.config, hostname, user.home, linkEnvironment(context, record)),
    cwd: record.config.WorkingDir || '/',
    terminal: record.config.Tty ?? false,
    user,
    host: record.host,
    mounts,
    network: sandbox.namespace,
    cgroupsPath: group ?? cgroupPathOf(context, record),
    joined: { ...(pid ? { pid } : {}), ...(ipc ? { ipc } : {}) },
    userNamespace,
    cpus: countCpus(),
    seccompAvailable: kernelHasSeccomp(),
    modules: { apparmor: context.apparmor, selinux: context.selinux !== undefined },
    labels: context.selinux && record.labels,
  });
}

/** Who a container's processes are, by the files of its image. Only while its root is mounted. */
export const userOf = (context: ContainerContext, record: ContainerRecord) =>
  lookUpUser(pathsOf(context, record).rootfs, record.config.User ?? '', record.host.GroupAdd ?? []);

const INIT_TARGET = '/sbin/docker-init';
