/** What of the engine's environment is for programs that run containers: not the sockets that systemd gave it, say. */
export const baseEnvironment = (): Record<string, string | undefined> => ({
  PATH: process.env['PATH'],
  XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'],
});
