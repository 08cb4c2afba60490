import { openContextStore } from '../../../client/contexts.ts';
import type { Command, Session } from '../../command.ts';
import { tableFormatFlag } from '../../format-flag.ts';
import { goJson, type Listing, printListing } from '../../output/listing.ts';
import { renderTable } from '../../output/table.ts';
import { hostWithoutContext } from './endpoint-option.ts';
import { overridden } from './override.ts';

interface Row {
  readonly Current: boolean;
  readonly Description: string;
  readonly DockerEndpoint: string;
  readonly Error: string;
  readonly Name: string;
}

export const command: Command = {
  paths: ['context ls', 'context list'],
  usage: '[OPTIONS]',
  short: 'List contexts',
  flags: [tableFormatFlag, { long: 'quiet', short: 'q', kind: 'bool', description: 'Show only names' }],
  args: { min: 0, max: 0 },
  withoutEngine: true,
  run: async ({ flags }, session) => {
    const rows = rowsOf(session);
    const format = flags.string('format');
    if (flags.bool('quiet')) await session.out.write(rows.map(({ Name }) => `${Name}\n`).join(''));
    else if (format === 'json') await session.out.write(rows.map((row) => `${goJson(row)}\n`).join(''));
    else if (format === '' || format === 'table') await session.out.write(tableOf(rows));
    else await printListing(session.out, format, listing, rows);
    await session.err.write(overridden(session, 'a context'));
    return 0;
  },
};

const listing: Listing<Row> = {
  columns: ['Name', 'Description', 'DockerEndpoint', 'Error'],
  fields: {
    Current: { header: 'CURRENT', value: ({ Current }) => String(Current) },
    Description: { header: 'DESCRIPTION', value: ({ Description }) => Description },
    DockerEndpoint: { header: 'DOCKER ENDPOINT', value: ({ DockerEndpoint }) => DockerEndpoint },
    Error: { header: 'ERROR', value: (row) => row.Error },
    Name: { header: 'NAME', value: ({ Name }) => Name },
  },
};

/** The current one has a star behind its name. */
const tableOf = (rows: readonly Row[]): string =>
  renderTable([
    listing.columns.map((name) => listing.fields[name]?.header ?? ''),
    ...rows.map((row) => [row.Current ? `${row.Name} *` : row.Name, row.Description, row.DockerEndpoint, row.Error]),
  ]);

/** `default` and the stored ones, by name; the current one also when it is not there any more. */
function rowsOf(session: Session): Row[] {
  const current = session.contextName;
  const rows: Row[] = openContextStore(session.configFolder)
    .list()
    .map(({ Name, Metadata, Endpoints }) => ({
      Current: Name === current,
      Description: Metadata.Description ?? '',
      DockerEndpoint: Endpoints['docker']?.Host ?? '',
      Error: '',
      Name,
    }));
  rows.push({
    Current: current === 'default',
    Description: 'Current DOCKER_HOST based configuration',
    DockerEndpoint: hostWithoutContext(session),
    Error: '',
    Name: 'default',
  });
  if (!rows.some(({ Name }) => Name === current))
    rows.push({ Current: true, Description: '', DockerEndpoint: '', Error: 'context not found', Name: current });
  return rows.sort((a, b) => (a.Name < b.Name ? -1 : 1));
}
