import { attribute, requestFlags } from './message.ts';
import { linkAttributes, linkHeader, linkKind, macBytes, newLink } from './route.ts';
import type { LabelledMessage } from './socket.ts';

/** Links that stand on another one, their parent: rtnetlink(7) with the numbers of linux/if_link.h. Pure. */
const IFLA_MACVLAN_MODE = 1;
const IFLA_IPVLAN = { mode: 1, flags: 2 } as const;
const IFLA_VLAN_ID = 1;
const { create, exclusive } = requestFlags;

const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;
const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;

/** What a link does with what its parent carries. */
export type SublinkKind =
  | { readonly kind: 'macvlan'; readonly mode: keyof typeof macvlanModes }
  | { readonly kind: 'ipvlan'; readonly mode: keyof typeof ipvlanModes; readonly flag: keyof typeof ipvlanFlags }
  | { readonly kind: 'vlan'; readonly id: number }
  /** These stand on nothing. */
  | { readonly kind: 'dummy' | 'bridge' };

export interface Sublink {
  readonly name: string;
  /** Interface index of what it stands on. */
  readonly parent: number | undefined;
  readonly does: SublinkKind;
  /** One of the kernel's choice without it; links of ipvlan have their parent's. */
  readonly mac?: string | undefined;
  /** Where it is made; here without it. */
  readonly namespaceFd?: number | undefined;
}

/** Makes one, down. EOPNOTSUPP on a kernel without its kind, EBUSY on a parent that carries another kind. */
export function addSublink({ name, parent, does, mac, namespaceFd }: Sublink): LabelledMessage {
  return {
    label: `add ${does.kind} link ${name}`,
    type: newLink,
    flags: create | exclusive,
    payload: Buffer.concat([
      linkHeader(0, false),
      attribute(linkAttributes.name, name),
      ...(parent === undefined ? [] : [attribute(linkAttributes.link, parent)]),
      ...(mac ? [attribute(linkAttributes.address, macBytes(mac))] : []),
      ...(namespaceFd === undefined ? [] : [attribute(linkAttributes.netNsFd, namespaceFd)]),
      linkKind(does.kind, ...settingsOf(does)),
    ]),
  };
}

function settingsOf(does: SublinkKind): Buffer[] {
  switch (does.kind) {
    case 'macvlan':
      return [attribute(IFLA_MACVLAN_MODE, macvlanModes[does.mode])];
    case 'ipvlan':
      return [
        attribute(IFLA_IPVLAN.mode, short(ipvlanModes[does.mode])),
        attribute(IFLA_IPVLAN.flags, short(ipvlanFlags[does.flag])),
      ];
    case 'vlan':
      return [attribute(IFLA_VLAN_ID, short(does.id))];
    default:
      return [];
  }
}

function short(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}
