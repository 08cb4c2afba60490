import { z } from 'zod';
import { invalid } from '../../base/errors.ts';
import type { ContainerService } from '../../containers/contract.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Handlers } from '../http/router.ts';

const createRequest = z.object({
  CheckpointID: z.string(),
  CheckpointDir: z.string().optional(),
  Exit: z.boolean().optional(),
});

/** What containers' processes were at a moment, so that they can go on from there. */
export function checkpointRoutes(containers: ContainerService): Handlers {
  return {
    async CheckpointCreate(exchange) {
      const { CheckpointID: name, CheckpointDir: folder, Exit: exit = false } = await exchange.body(createRequest);
      await containers.checkpoint(exchange.param('id'), { name, folder, exit });
      return { status: 201 };
    },
    CheckpointList(exchange) {
      const names = containers.checkpoints(exchange.param('id'), exchange.query.text('dir'));
      return { status: 200, body: names.map((Name) => ({ Name })) };
    },
    async CheckpointDelete(exchange) {
      const place = { name: exchange.param('checkpoint'), folder: exchange.query.text('dir') };
      await containers.removeCheckpoint(exchange.param('id'), place);
      return { status: 204 };
    },
  };
}

/** The checkpoint that a start is to go on from. @throws invalid for a folder alone. */
export function checkpointOf({ query }: Exchange): { name: string; folder: string | undefined } | undefined {
  const name = query.text('checkpoint');
  const folder = query.text('checkpoint-dir');
  if (!name && folder) throw invalid('checkpoint-dir needs the name of a checkpoint: give checkpoint as well');
  return name ? { name, folder } : undefined;
}
