import type { VersionResponse } from '../../../api/types/system.ts';
import { apiVersion } from '../../../api/version.ts';
import { messageOf } from '../../../base/errors.ts';
import { tugVersion } from '../../../base/version.ts';
import { version } from '../../../client/calls/system.ts';
import type { Command, Session } from '../../command.ts';
import { formatFlag } from '../../format-flag.ts';

/** What `--format` sees. */
interface VersionView {
  readonly Client: Record<string, string>;
  readonly Server: VersionResponse | null;
}

export const command: Command = {
  paths: ['version'],
  usage: '[OPTIONS]',
  short: 'Show the versions of the client and the engine',
  flags: [formatFlag('f')],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const [server, failure] = await askServer(session);
    const view: VersionView = { Client: clientVersion(session, server), Server: server };
    const format = flags.string('format');
    if (format === '') await session.out.write(describe(view));
    else {
      const { formatOne, withAliases } = await import('../../output/template.ts');
      await session.out.write(
        formatOne(format, {
          Client: withAliases(view.Client, { APIVersion: 'ApiVersion' }),
          Server: view.Server && withAliases(view.Server, { APIVersion: 'ApiVersion' }),
        }),
      );
    }
    if (failure === undefined) return 0;
    await session.err.write(`${messageOf(failure)}\n`);
    return 1;
  },
};

async function askServer(session: Session): Promise<[VersionResponse | null, unknown]> {
  try {
    return [await version(session.engine), undefined];
  } catch (error) {
    return [null, error];
  }
}

function clientVersion(session: Session, server: VersionResponse | null): Record<string, string> {
  const context = server === null ? 'default' : session.engine.endpoint.context;
  return {
    Version: tugVersion,
    ApiVersion: server === null ? apiVersion : session.engine.version,
    DefaultAPIVersion: apiVersion,
    Os: process.platform,
    Arch: process.arch === 'x64' ? 'amd64' : process.arch,
    Context: context,
  };
}

function describe({ Client: client, Server: server }: VersionView): string {
  const downgraded =
    client['ApiVersion'] === client['DefaultAPIVersion'] ? '' : ` (downgraded from ${client['DefaultAPIVersion']})`;
  const rows = [
    'Client:',
    row(' Version', client['Version']),
    row(' API version', `${client['ApiVersion']}${downgraded}`),
    row(' OS/Arch', `${client['Os']}/${client['Arch']}`),
    row(' Context', client['Context']),
  ];
  if (server)
    rows.push('', server.Platform?.Name ? `Server: ${server.Platform.Name}` : 'Server:', ...components(server));
  return `${rows.join('\n')}\n`;
}

function components(server: VersionResponse): string[] {
  return (server.Components ?? []).flatMap((component) => {
    const details = component.Details ?? {};
    const rows = [` ${component.Name}:`, row('  Version', component.Version)];
    if (component.Name !== 'Engine')
      return [...rows, ...Object.entries(details).map(([name, value]) => row(`  ${name}`, value))];
    const known: [string, string | undefined][] = [
      ['API version', `${details['ApiVersion']} (minimum version ${details['MinAPIVersion']})`],
      ['Go version', details['GoVersion']],
      ['Git commit', details['GitCommit']],
      ['Built', details['BuildTime']],
      ['OS/Arch', `${details['Os']}/${details['Arch']}`],
      ['Experimental', details['Experimental']],
    ];
    return [...rows, ...known.filter(([, value]) => value).map(([name, value]) => row(`  ${name}`, value))];
  });
}

function row(name: string, value: string | undefined): string {
  return `${`${name}:`.padEnd(19)} ${value ?? ''}`.trimEnd();
}
