import type { Flag } from './command.ts';

const templates = `'json':             Print JSON
'TEMPLATE':         Print with this Go template`;

/** `--format` of commands that print one object. */
export const formatFlag = (short?: string): Flag => ({
  long: 'format',
  ...(short ? { short } : {}),
  kind: 'string',
  description: `Print in another format:\n${templates}`,
});

/** `--format` of commands that print a table. */
export const tableFormatFlag: Flag = {
  long: 'format',
  kind: 'string',
  description: `Print in another format:
'table':            A table with column headers
                    (default)
'table TEMPLATE':   A table with the columns of this
                    Go template
${templates}`,
};

/** `--filter` of every listing. */
export const filterFlag: Flag = {
  long: 'filter',
  short: 'f',
  kind: 'list',
  value: 'filter',
  description: 'Only what meets these conditions (NAME=VALUE)',
  check: (text) => {
    if (!text.includes('=')) throw new Error('bad format of filter (expected name=value)');
  },
};
