import { inspect } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';

type Bindings = Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>>;

export const command: Command = {
  paths: ['container port', 'port'],
  usage: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  short: 'Show where the ports of a container are published',
  flags: [],
  args: { min: 1, max: 2 },
  run: async ({ args: [container = '', port] }, session) => {
    const { NetworkSettings } = await inspect(session.engine, container);
    const ports = (NetworkSettings['Ports'] ?? {}) as Bindings;
    const lines = port === undefined ? allPorts(ports) : onePort(ports, port, container);
    await session.out.write(
      lines
        .toSorted(naturally)
        .map((line) => `${line}\n`)
        .join(''),
    );
    return 0;
  },
};

const allPorts = (ports: Bindings): string[] =>
  Object.entries(ports).flatMap(([port, bindings]) => (bindings ?? []).map((one) => `${port} -> ${hostAddress(one)}`));

function onePort(ports: Bindings, wanted: string, container: string): string[] {
  const [port = '', protocol] = wanted.split(/\/(.*)/s);
  checkPort(port);
  const bindings = ports[`${port}/${protocol || 'tcp'}`] ?? [];
  if (bindings.length === 0)
    throw new CommandFailure(`Error: No public port '${wanted}' published for ${container}`, 1);
  return bindings.map(hostAddress);
}

function checkPort(text: string): void {
  const why = !/^\d+$/.test(text) ? 'invalid syntax' : Number(text) > 65535 ? 'value out of range' : undefined;
  if (why === undefined) return;
  throw new CommandFailure(
    `Error: invalid port (${text}): strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`,
    1,
  );
}

const hostAddress = ({ HostIp, HostPort }: { HostIp: string; HostPort: string }): string =>
  HostIp.includes(':') ? `[${HostIp}]:${HostPort}` : `${HostIp}:${HostPort}`;

/** Numbers in the text by their value, all else by its bytes, as Docker sorts. */
function naturally(left: string, right: string): number {
  const parts = (text: string): string[] => text.match(/\d+|\D/g) ?? [];
  const [a, b] = [parts(left), parts(right)];
  const at = a.findIndex((part, index) => part !== b[index]);
  if (at === -1) return a.length - b.length;
  const [first = '', second = ''] = [a[at], b[at]];
  if (/^\d/.test(first) && /^\d/.test(second)) return Number(first) - Number(second);
  return first < second ? -1 : 1;
}
