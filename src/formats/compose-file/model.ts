import type { DeployModel, DeviceRequestModel } from './deploy-model.ts';

// The long form of a compose file, as `config --format json` prints it. Sizes are bytes in decimal, durations are in
// Go's notation, paths are absolute.

export type StringMap = Readonly<Record<string, string>>;

export interface PortModel {
  readonly name?: string;
  readonly mode: string;
  readonly host_ip?: string;
  readonly target: number;
  readonly published?: string;
  readonly protocol: string;
  readonly app_protocol?: string;
}

export interface MountModel {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'cluster' | 'npipe' | 'image';
  readonly source?: string;
  readonly target: string;
  readonly read_only?: boolean;
  readonly consistency?: string;
  readonly bind?: {
    readonly propagation?: string;
    readonly create_host_path?: boolean;
    readonly recursive?: 'enabled' | 'disabled' | 'writable' | 'readonly';
    readonly selinux?: 'z' | 'Z';
  };
  readonly volume?: { readonly labels?: StringMap; readonly nocopy?: boolean; readonly subpath?: string };
  readonly tmpfs?: { readonly size?: string; readonly mode?: string };
  readonly image?: { readonly subpath?: string };
}

/** A config or secret that a service uses. */
export interface FileUse {
  readonly source: string;
  readonly target?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly mode?: string;
}

export type Condition = 'service_started' | 'service_healthy' | 'service_completed_successfully';

export interface Dependency {
  readonly condition: Condition;
  readonly required: boolean;
  readonly restart?: boolean;
}

export interface BuildModel {
  readonly context?: string;
  readonly dockerfile?: string;
  readonly dockerfile_inline?: string;
  readonly args?: Readonly<Record<string, string | null>>;
  readonly labels?: StringMap;
  readonly cache_from?: readonly string[];
  readonly cache_to?: readonly string[];
  readonly no_cache?: boolean;
  readonly pull?: boolean;
  readonly network?: string;
  readonly target?: string;
  readonly shm_size?: string;
  readonly extra_hosts?: Readonly<Record<string, readonly string[]>>;
  readonly tags?: readonly string[];
  readonly platforms?: readonly string[];
  readonly ulimits?: Readonly<Record<string, Ulimit>>;
  readonly additional_contexts?: StringMap;
  readonly secrets?: readonly FileUse[];
  readonly ssh?: StringMap;
  readonly entitlements?: readonly string[];
  readonly privileged?: boolean;
  readonly isolation?: string;
  readonly provenance?: string;
  readonly sbom?: string;
  readonly [other: string]: unknown;
}

export type Ulimit = number | { readonly soft: number; readonly hard: number };

export interface HealthModel {
  readonly disable?: boolean;
  readonly test?: readonly string[];
  readonly interval?: string;
  readonly timeout?: string;
  readonly retries?: number;
  readonly start_period?: string;
  readonly start_interval?: string;
}

export interface Hook {
  readonly command: readonly string[];
  readonly user?: string;
  readonly privileged?: boolean;
  readonly working_dir?: string;
  readonly environment?: Readonly<Record<string, string | null>>;
}

export interface WatchRule {
  readonly path: string;
  readonly action: 'rebuild' | 'sync' | 'restart' | 'sync+restart' | 'sync+exec';
  readonly target?: string;
  readonly ignore?: readonly string[];
  readonly include?: readonly string[];
  readonly exec?: Hook;
  readonly initial_sync?: boolean;
}

export interface ServiceNetwork {
  readonly aliases?: readonly string[];
  readonly interface_name?: string;
  readonly ipv4_address?: string;
  readonly ipv6_address?: string;
  readonly link_local_ips?: readonly string[];
  readonly mac_address?: string;
  readonly driver_opts?: StringMap;
  readonly priority?: number;
  readonly gw_priority?: number;
}

interface RateModel {
  readonly path: string;
  readonly rate: string;
}

export interface BlkioModel {
  readonly device_read_bps?: readonly RateModel[];
  readonly device_read_iops?: readonly RateModel[];
  readonly device_write_bps?: readonly RateModel[];
  readonly device_write_iops?: readonly RateModel[];
  readonly weight?: number;
  readonly weight_device?: readonly { readonly path: string; readonly weight: number }[];
}

export interface ServiceModel {
  readonly annotations?: StringMap;
  readonly attach?: boolean;
  readonly build?: BuildModel;
  readonly blkio_config?: BlkioModel;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly cgroup?: 'host' | 'private';
  readonly cgroup_parent?: string;
  readonly command?: readonly string[] | null;
  readonly configs?: readonly FileUse[];
  readonly container_name?: string;
  readonly cpu_count?: number;
  readonly cpu_percent?: number;
  readonly cpu_period?: number;
  readonly cpu_quota?: number;
  readonly cpu_rt_period?: number;
  readonly cpu_rt_runtime?: number;
  readonly cpu_shares?: number;
  readonly cpus?: number;
  readonly cpuset?: string;
  readonly credential_spec?: unknown;
  readonly depends_on?: Readonly<Record<string, Dependency>>;
  readonly deploy?: DeployModel | null;
  readonly develop?: { readonly watch?: readonly WatchRule[] } | null;
  readonly device_cgroup_rules?: readonly string[];
  readonly devices?: readonly { readonly source: string; readonly target?: string; readonly permissions?: string }[];
  readonly dns?: readonly string[];
  readonly dns_opt?: readonly string[];
  readonly dns_search?: readonly string[];
  readonly domainname?: string;
  readonly entrypoint?: readonly string[] | null;
  readonly env_file?: readonly { readonly path: string; readonly required?: boolean; readonly format?: string }[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly expose?: readonly string[];
  readonly external_links?: readonly string[];
  readonly extra_hosts?: Readonly<Record<string, readonly string[]>>;
  readonly gpus?: readonly DeviceRequestModel[];
  readonly group_add?: readonly string[];
  readonly healthcheck?: HealthModel;
  readonly hostname?: string;
  readonly image?: string;
  readonly init?: boolean;
  readonly ipc?: string;
  readonly isolation?: string;
  readonly label_file?: readonly string[];
  readonly labels?: StringMap;
  readonly links?: readonly string[];
  readonly logging?: { readonly driver?: string; readonly options?: StringMap };
  readonly mac_address?: string;
  readonly mem_limit?: string;
  readonly mem_reservation?: string;
  readonly mem_swappiness?: number;
  readonly memswap_limit?: string;
  readonly models?: unknown;
  readonly network_mode?: string;
  readonly networks?: Readonly<Record<string, ServiceNetwork | null>>;
  readonly oom_kill_disable?: boolean;
  readonly oom_score_adj?: number;
  readonly pid?: string;
  readonly pids_limit?: number;
  readonly platform?: string;
  readonly ports?: readonly PortModel[];
  readonly post_start?: readonly Hook[];
  readonly pre_stop?: readonly Hook[];
  readonly privileged?: boolean;
  readonly profiles?: readonly string[];
  readonly provider?: { readonly type: string };
  readonly pull_policy?: string;
  readonly read_only?: boolean;
  readonly restart?: string;
  readonly runtime?: string;
  readonly scale?: number;
  readonly secrets?: readonly FileUse[];
  readonly security_opt?: readonly string[];
  readonly shm_size?: string;
  readonly stdin_open?: boolean;
  readonly stop_grace_period?: string;
  readonly stop_signal?: string;
  readonly storage_opt?: StringMap;
  readonly sysctls?: StringMap;
  readonly tmpfs?: readonly string[];
  readonly tty?: boolean;
  readonly ulimits?: Readonly<Record<string, Ulimit>>;
  readonly use_api_socket?: boolean;
  readonly user?: string;
  readonly userns_mode?: string;
  readonly uts?: string;
  readonly volumes?: readonly MountModel[];
  readonly volumes_from?: readonly string[];
  readonly working_dir?: string;
}

export interface NetworkModel {
  readonly name: string;
  readonly driver?: string;
  readonly driver_opts?: StringMap;
  readonly ipam?: {
    readonly driver?: string;
    readonly config?: readonly {
      readonly subnet?: string;
      readonly ip_range?: string;
      readonly gateway?: string;
      readonly aux_addresses?: StringMap;
    }[];
    readonly options?: StringMap;
  };
  readonly external?: boolean;
  readonly internal?: boolean;
  readonly enable_ipv4?: boolean;
  readonly enable_ipv6?: boolean;
  readonly attachable?: boolean;
  readonly labels?: StringMap;
}

export interface VolumeModel {
  readonly name: string;
  readonly driver?: string;
  readonly driver_opts?: StringMap;
  readonly external?: boolean;
  readonly labels?: StringMap;
}

/** A config or secret of a project. */
export interface FileModel {
  readonly name: string;
  readonly file?: string;
  readonly environment?: string;
  readonly content?: string;
  readonly external?: boolean;
  readonly driver?: string;
  readonly template_driver?: string;
}

export interface Project {
  readonly name: string;
  readonly services: Readonly<Record<string, ServiceModel>>;
  readonly networks: Readonly<Record<string, NetworkModel>>;
  readonly volumes: Readonly<Record<string, VolumeModel>>;
  readonly configs: Readonly<Record<string, FileModel>>;
  readonly secrets: Readonly<Record<string, FileModel>>;
  /** `x-` keys and whatever else of the top level is only printed. */
  readonly others: Readonly<Record<string, unknown>>;
}
