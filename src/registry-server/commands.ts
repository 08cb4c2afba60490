/** What `tug-registry` can do, by its first word; each is loaded when it is called. */
export const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  serve: async (args) => (await import('./serve-command.ts')).serveCommand(args),
};
