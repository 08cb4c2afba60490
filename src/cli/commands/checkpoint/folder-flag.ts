import type { Flag } from '../../command.ts';

export const folderFlag: Flag = { long: 'checkpoint-dir', kind: 'string', description: 'Folder of checkpoints' };
