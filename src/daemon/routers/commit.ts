import { containerConfig } from '../../api/types/container-request.ts';
import { invalid } from '../../base/errors.ts';
import type { ContainerService } from '../../containers/contract.ts';
import type { Exchange, Reply } from '../http/exchange.ts';

/** `POST /commit`: a container's state as an image. Without `pause` the container is held meanwhile. */
export async function commitContainer(containers: ContainerService, exchange: Exchange): Promise<Reply> {
  const { query, signal } = exchange;
  const container = query.text('container');
  if (!container) throw invalid('container must name the container to commit');
  const config = await exchange.body(containerConfig, { empty: {} });
  const repository = query.text('repo');
  const options = {
    reference: repository === undefined ? undefined : withTag(repository, query.text('tag')),
    author: query.text('author') ?? '',
    comment: query.text('comment') ?? '',
    pause: query.text('pause') === undefined || query.boolean('pause'),
    changes: query.all('changes').filter((change) => change !== ''),
    config,
  };
  return { status: 201, body: { Id: await containers.commit(container, options, signal) } };
}

const withTag = (name: string, tag: string | undefined): string => (tag === undefined ? name : `${name}:${tag}`);
