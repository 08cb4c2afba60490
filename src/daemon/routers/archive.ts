import type { PathStat } from '../../api/types/container.ts';
import { invalid } from '../../base/errors.ts';
import type { ContainerService } from '../../containers/contract.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Handlers } from '../http/router.ts';

/** What `docker cp` is made of: files of a container as a tar, both ways. */
export function archiveRoutes(containers: ContainerService) {
  return {
    async ContainerArchiveInfo(exchange) {
      const stat = await containers.statFile(exchange.param('id'), pathOf(exchange));
      const stream = exchange.begin('application/json');
      stream.response.setHeader(statHeader, encodeStat(stat));
      stream.end();
      return undefined;
    },
    async ContainerArchive(exchange) {
      await using archive = await containers.readArchive(exchange.param('id'), pathOf(exchange));
      const stream = exchange.begin('application/x-tar');
      stream.response.setHeader(statHeader, encodeStat(archive.stat));
      await archive.send(stream.response, exchange.signal);
      stream.end();
      return undefined;
    },
    async PutContainerArchive(exchange) {
      const { query, request, signal } = exchange;
      const options = {
        noOverwriteDirNonDir: query.boolean('noOverwriteDirNonDir'),
        copyUIDGID: query.boolean('copyUIDGID'),
      };
      await containers.writeArchive(exchange.param('id'), pathOf(exchange), request, options, signal);
      return { status: 200 };
    },
  } satisfies Handlers;
}

const statHeader = 'X-Docker-Container-Path-Stat';

const encodeStat = (stat: PathStat): string => Buffer.from(JSON.stringify(stat)).toString('base64');

function pathOf(exchange: Exchange): Buffer {
  const path = exchange.query.bytes('path');
  if (path === undefined) throw invalid('bad parameter: path cannot be empty');
  return path;
}
