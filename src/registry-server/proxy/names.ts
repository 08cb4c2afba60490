import type { UpstreamSettings } from './settings.ts';

/** A repository of an upstream, by its name there. */
export interface Proxied {
  readonly upstream: UpstreamSettings;
  readonly remoteName: string;
}

/** Which repositories are those of upstreams. */
export interface ProxiedNames {
  /** Undefined for repositories of this registry's own. */
  find(name: string): Proxied | undefined;
  /**
   * The name here of what a mirror is asked for: clients that know it as a mirror name the registry that they want in
   * `?ns=`, and the repository as it is called there. The name itself without a namespace that an upstream answers to.
   */
  nameOf(name: string, namespace: string | null): string;
}

const hubHost = 'registry-1.docker.io';

export function createProxiedNames(upstreams: readonly UpstreamSettings[]): ProxiedNames {
  const longestFirst = [...upstreams].sort((one, other) => other.prefix.length - one.prefix.length);
  return {
    find(name) {
      for (const upstream of longestFirst) {
        const { prefix } = upstream;
        if (prefix !== '' && !name.startsWith(`${prefix}/`)) continue;
        return { upstream, remoteName: remoteName(upstream, prefix === '' ? name : name.slice(prefix.length + 1)) };
      }
      return undefined;
    },
    nameOf(name, namespace) {
      if (namespace === null) return name;
      const upstream = upstreams.find(({ namespaces }) => namespaces.includes(namespace.toLowerCase()));
      return upstream === undefined || upstream.prefix === '' ? name : `${upstream.prefix}/${name}`;
    },
  };
}

/** Docker Hub's own images lie below `library/`, which nobody writes. */
function remoteName({ url }: UpstreamSettings, name: string): string {
  const full = url.host === hubHost && !name.includes('/') ? `library/${name}` : name;
  const folder = url.pathname.replace(/^\/+|\/+$/g, '');
  return folder === '' ? full : `${folder}/${full}`;
}

/** What clients call the registry of an address: its host, and for Docker Hub the name that images have. */
export function namespacesOf(url: URL): string[] {
  return url.host === hubHost ? [hubHost, 'docker.io', 'index.docker.io'] : [url.host];
}
