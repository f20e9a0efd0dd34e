// Whom a change of some assets concerns: the owners of all that depends on them.
import type { Cell } from './csv.ts';

export interface Owner {
  id: string;
  name: string;
  email: string | null;
  isTeam: boolean;
  responsibility: string;
}

export interface Affected {
  id: string;
  kind: string;
  name: string;
  depth: number;
  team: string | null;
  /** Null if the policy hides them. */
  owners: Owner[] | null;
}

export interface Concerned extends Omit<Owner, 'responsibility'> {
  /** The responsibilities for the affected assets, those on call first. */
  responsibilities: string[];
  assets: number;
}

const FIRST = ['ONCALL', 'TECHNICAL', 'STEWARD', 'BUSINESS'];

/** Return each owner once, those on call first, then those of most assets. */
export function concerned(affected: readonly Affected[]): Concerned[] {
  const found = new Map<string, { owner: Owner; responsibilities: Set<string>; assets: Set<string> }>();
  for (const { id, owners } of affected) {
    for (const owner of owners ?? []) {
      const known = found.get(owner.id) ?? { owner, responsibilities: new Set(), assets: new Set() };
      known.responsibilities.add(owner.responsibility);
      known.assets.add(id);
      found.set(owner.id, known);
    }
  }
  const all = [...found.values()].map(({ owner: { id, name, email, isTeam }, responsibilities, assets }): Concerned => ({
    id, name, email, isTeam, responsibilities: FIRST.filter((each) => responsibilities.has(each)), assets: assets.size,
  }));
  const last = ({ responsibilities }: Concerned) => (responsibilities[0] === 'ONCALL' ? 0 : 1);
  return all.sort((a, b) => last(a) - last(b) || b.assets - a.assets || a.name.localeCompare(b.name));
}

/** Return the number of assets whose owners are hidden. */
export const withHiddenOwners = (affected: readonly Affected[]): number => affected.filter((each) => each.owners === null).length;

/** Return the rows of the file: an affected asset in each, with its owners and their addresses. */
export function affectedRows(affected: readonly Affected[], hidden: string): Cell[][] {
  return affected.map(({ id, kind, name, depth, team, owners }) => [
    name, kind, depth, team,
    owners === null ? hidden : owners.map((each) => `${each.name} (${each.responsibility})`).join('; '),
    [...new Set((owners ?? []).flatMap((each) => each.email ?? []))].join('; '),
    id,
  ]);
}
