import { invalid } from '../../../base/errors.ts';
import { instancesOf } from '../../../compose/lifecycle.ts';
import type { Invocation, Session } from '../../command.ts';
import { command as containerCopy } from '../container/cp.ts';
import type { ComposeCommand, ComposeContext } from './compose-command.ts';
import { delegate } from './delegate.ts';
import { findInstance, indexFlag } from './find-instance.ts';

export const command: ComposeCommand = {
  name: 'cp',
  usage: '[OPTIONS] SERVICE:SRC_PATH DEST_PATH|-\n\ttug compose cp [OPTIONS] SRC_PATH|- SERVICE:DEST_PATH',
  short: "Copy files between a service's container and this host",
  flags: [
    { long: 'all', kind: 'bool', description: 'Copy into all containers of the service' },
    { long: 'archive', short: 'a', kind: 'bool', description: "Give the copy to the container's user" },
    { long: 'follow-link', short: 'L', kind: 'bool', description: 'Copy what a link in SRC_PATH leads to' },
    indexFlag,
  ],
  args: { min: 2, max: 2 },
  wouldDo: async (invocation, session, compose) => {
    const { named, source, instances } = await meant(invocation, session, compose);
    const [from, to] = invocation.args;
    return instances.map(({ name }) =>
      source
        ? `Container ${name}  Copied ${name}:${named.path} to ${to}`
        : `Container ${name}  Copied ${from} to ${name}:${named.path}`,
    );
  },
  run: async (invocation, session, compose) => {
    const { flags } = invocation;
    const [from = '', to = ''] = invocation.args;
    const { named, source, instances } = await meant(invocation, session, compose);
    const options = [...(flags.bool('archive') ? ['-a'] : []), ...(flags.bool('follow-link') ? ['-L'] : []), '-q'];
    for (const { id } of instances) {
      const place = `${id}:${named.path}`;
      await delegate(containerCopy, [...options, '--', source ? place : from, source ? to : place], session);
    }
    return 0;
  },
};

/** The containers that are copied from or to. @throws invalid when it is not said which. */
async function meant({ flags, args: [from = '', to = ''] }: Invocation, session: Session, compose: ComposeContext) {
  const source = serviceOf(from);
  const target = serviceOf(to);
  if (source && target) throw invalid('copying between services is not supported');
  const named = source ?? target;
  if (!named) throw invalid('unknown copy direction: one of the two is SERVICE:PATH');
  const instances =
    target && flags.bool('all')
      ? await instancesOf(session, await compose.name(), [named.service])
      : [await findInstance(session, compose, named.service, flags.int('index'), false)];
  return { named, source, instances };
}

/** `SERVICE:PATH`; what begins with a dot or slash, or has no colon, is a path of this host. */
function serviceOf(text: string): { service: string; path: string } | undefined {
  const match = /^([a-zA-Z0-9][a-zA-Z0-9._-]*):(.*)$/s.exec(text);
  return match ? { service: match[1]!, path: match[2]! } : undefined;
}
