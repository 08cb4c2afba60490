import type { ProvenanceOptions } from '../formats/attest-options.ts';
import { formatPlatform, hostPlatform } from '../formats/platform.ts';
import { familiarName, parseReference, type Reference } from '../formats/reference.ts';
import type { Claim } from '../images/attestations.ts';
import type { Image } from '../images/contract.ts';
import { materialName, parseGitAddress, withoutLogin } from './context/git.ts';
import type { BuildRequest } from './contract.ts';

/** Something from elsewhere that a build took. */
export interface Material {
  readonly uri: string;
  /** Hex, by algorithm. */
  readonly digest: Readonly<Record<string, string>>;
}

/** What is known of a build that has ended. */
export interface BuildFacts {
  readonly id: string;
  readonly began: Date;
  readonly request: BuildRequest;
  readonly dockerfile: Buffer;
  readonly secrets: readonly string[];
  readonly materials: ReadonlyMap<string, Material>;
}

/** Says that the fields are those of docs/build.md: the builder is not BuildKit, and has no graph of its kind to show. */
const buildType = 'urn:tug:build:v1';

/**
 * States how an image came to be, as BuildKit's docs/attestations/slsa-definitions.md lays it out: the predicates of
 * slsa.dev/provenance v0.2 and v1. Nothing is in it that the engine does not know; values of secrets never are.
 */
export function provenanceOf(facts: BuildFacts, options: ProvenanceOptions): Claim {
  const { id, began, request } = facts;
  const source = sourceOf(facts);
  const parameters = parametersOf(facts, options);
  const whole = options.mode === 'max';
  const config = whole ? { dockerfile: facts.dockerfile.toString() } : undefined;
  const builderPlatform = formatPlatform(hostPlatform());
  const materials = [...facts.materials.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1));
  const finished = new Date().toISOString();
  if (options.version === 'v1')
    return {
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          buildType,
          externalParameters: {
            configSource: { ...source, path: request.dockerfile },
            request: parameters,
          },
          internalParameters: { builderPlatform, ...(config ? { buildConfig: config } : {}) },
          resolvedDependencies: materials,
        },
        runDetails: {
          builder: { id: options.builderId },
          metadata: { invocationID: id, startedOn: began.toISOString(), finishedOn: finished },
        },
      },
    };
  return {
    predicateType: 'https://slsa.dev/provenance/v0.2',
    predicate: {
      builder: { id: options.builderId },
      buildType,
      invocation: {
        configSource: { ...source, entryPoint: request.dockerfile },
        parameters,
        environment: { platform: builderPlatform },
      },
      ...(config ? { buildConfig: config } : {}),
      materials,
      metadata: {
        ...{ buildInvocationID: id, buildStartedOn: began.toISOString(), buildFinishedOn: finished },
        completeness: { parameters: whole, environment: true, materials: false },
        reproducible: options.reproducible,
      },
    },
  };
}

/** Where the Dockerfile is from, when it is of no client's folder. */
function sourceOf({ request: { context }, materials }: BuildFacts): Partial<Material> {
  if (context.kind !== 'remote') return {};
  const address = parseGitAddress(context.url);
  const material = address && materials.get(materialName(address));
  return { uri: withoutLogin(context.url), ...(material ? { digest: material.digest } : {}) };
}

function parametersOf({ request, secrets }: BuildFacts, { mode }: ProvenanceOptions): object {
  const { context, target, platform, noCache, squash, buildArgs, labels, session } = request;
  const args: Record<string, string> = {};
  if (target !== undefined) args['target'] = target;
  if (platform !== undefined) args['platform'] = platform;
  if (noCache) args['no-cache'] = '';
  if (squash) args['squash'] = 'true';
  const locals = localsOf(context);
  if (mode === 'min') return { frontend: 'dockerfile.v0', args, locals };
  for (const [name, value] of Object.entries(buildArgs)) if (value !== undefined) args[`build-arg:${name}`] = value;
  for (const [name, value] of Object.entries(labels)) args[`label:${name}`] = value;
  const named = (ids: readonly string[]): object[] => [...ids].sort().map((id) => ({ id }));
  return { frontend: 'dockerfile.v0', args, locals, secrets: named(secrets), ssh: named(session?.agents ?? []) };
}

/** What is a client's own: of a remote context at most the Dockerfile is. */
function localsOf(context: BuildRequest['context']): { name: string }[] {
  if (context.kind === 'remote') return [];
  const remote = context.kind === 'parts' && context.url !== undefined;
  return [...(remote ? [] : [{ name: 'context' }]), { name: 'dockerfile' }];
}

/** An image as a material: a package URL (type docker) with the digest that it was pulled by, or else its manifest's. */
export function imageMaterial(name: string, image: Image): Material | undefined {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(name)) return undefined; // of no registry, and without a name
  const reference = parseReference(name);
  const pulled = image.digests.map((text) => parseReference(text)).find((one) => isOf(one, reference))?.digest;
  const digest = pulled ?? image.manifest?.digest;
  if (digest === undefined) return undefined;
  const { os, architecture, variant } = image.config;
  const platform = formatPlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) });
  const path = familiarName(reference).split('/').map(encodeURIComponent).join('/');
  const version = reference.digest === undefined ? (reference.tag ?? 'latest') : reference.tag;
  const at = version === undefined ? '' : `@${encodeURIComponent(version)}`;
  const uri = `pkg:docker/${path}${at}?platform=${encodeURIComponent(platform)}`;
  return { uri, digest: { sha256: digest.replace('sha256:', '') } };
}

const isOf = (one: Reference, other: Reference): boolean => one.domain === other.domain && one.path === other.path;
