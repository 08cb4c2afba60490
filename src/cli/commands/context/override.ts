import type { Session } from '../../command.ts';

/** The warning that the environment names an engine, which goes before the chosen context; empty when it does not. */
export function overridden({ env }: Session, what: string): string {
  const name = ['TUG_HOST', 'DOCKER_HOST'].find((variable) => env[variable]);
  if (name === undefined) return '';
  return (
    `Warning: ${name} environment variable overrides the active context. To use ${what}, either set the global ` +
    `--context flag, or unset ${name} environment variable.\n`
  );
}
