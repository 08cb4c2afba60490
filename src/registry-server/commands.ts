/** What `tug-registry` can do, by its first word; each is loaded when it is called. */
export const commands: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  gc: async (args) => (await import('./gc-command.ts')).gcCommand(args),
  du: async (args) => (await import('./du-command.ts')).duCommand(args),
  healthcheck: async (args) => (await import('./healthcheck-command.ts')).healthcheckCommand(args),
  serve: async (args) => (await import('./serve-command.ts')).serveCommand(args),
};
