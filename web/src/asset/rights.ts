// What the card of the rights says: in few sentences what the caller may do, and why, or what is lacking.
import type { AccessAction } from '../generated/graphql.ts';
import { texts } from '../texts.ts';
import type { Asset } from './types.ts';

type Access = Asset['viewerAccess'];
export type Right = Access['rights'][number];

export interface Rule {
  id: string;
  condition: string;
}

/** A sentence that ends before the rules that it is about; without rules it is complete. */
export interface Reason {
  text: string;
  rules: Rule[];
}

const t = texts.asset;
const SCOPE = 'scope:';

/** Return the rights that mean something for an asset: only models have aliases, and only a stub is registered by its page. */
export function relevant(asset: Pick<Asset, '__typename' | 'hydration' | 'viewerAccess'>): Right[] {
  const promoted = asset.__typename === 'Model' || asset.__typename === 'ModelVersion';
  return asset.viewerAccess.rights.filter(({ action }) =>
    action !== 'READ' && (action !== 'PROMOTE' || promoted) && (action !== 'REGISTER' || asset.hydration === 'STUB'));
}

/** Return whether the caller may perform an action. */
export const allows = (access: Access, action: AccessAction): boolean =>
  access.rights.some((each) => each.action === action && each.allowed);

/** Return the actions in words, such as `change it, link it`. */
export const actionsOf = (rights: readonly Right[]): string => rights.map((each) => t.actions[each.action]).join(', ');

/** Return why the caller reads the asset, or only discovers it. */
export function whyVisible(access: Access): Reason[] {
  const found = [{ text: t.because[access.grade], rules: access.because.map(ruleOf) }];
  const read = access.rights.find((each) => each.action === 'READ');
  return read && !read.allowed ? [...found, reason([read])] : found;
}

/** Return the reasons of some rights; those that are decided alike have one sentence. */
export function reasons(rights: readonly Right[]): Reason[] {
  const alike = new Map<string, Right[]>();
  for (const each of rights) {
    const key = JSON.stringify([each.allowed, each.permittedBy, each.forbiddenBy, each.needs]);
    alike.set(key, [...(alike.get(key) ?? []), each]);
  }
  return [...alike.values()].map(reason);
}

function reason(rights: Right[]): Reason {
  const { allowed, permittedBy, forbiddenBy, needs } = rights[0]!;
  const actions = actionsOf(rights);
  if (allowed) return { text: t.mayBecause(actions), rules: permittedBy.map(ruleOf) };
  if (forbiddenBy.length) return { text: t.forbidden(actions), rules: forbiddenBy.map(ruleOf) };
  const scopes = needs.filter((each) => each.startsWith(SCOPE)).map((each) => each.slice(SCOPE.length));
  const rules = needs.filter((each) => !each.startsWith(SCOPE)).map(ruleOf);
  if (rules.length) return { text: scopes.length ? t.lackBoth(actions, scopes.join(', ')) : t.lackRule(actions), rules };
  if (!scopes.length) return { text: t.lackRead(actions), rules: [] };
  return permittedBy.length
    ? { text: t.lackOnlyScope(actions, scopes.join(', ')), rules: permittedBy.map(ruleOf) }
    : { text: t.lackScope(actions, scopes.join(', ')), rules: [] };
}

/** Return a rule in its parts; the API writes it as its id, a colon and its condition. */
function ruleOf(text: string): Rule {
  const at = text.indexOf(': ');
  return { id: text.slice(0, at), condition: text.slice(at + 2) };
}
