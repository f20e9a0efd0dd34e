// The root causes of unhealthy assets: each asset with problems once, with all assets that are unhealthy because of it.
import type { UnhealthyQuery } from '../generated/graphql.ts';
import { texts } from '../texts.ts';

export type Unhealthy = NonNullable<UnhealthyQuery['assets']['nodes'][number]>;
type Cause = NonNullable<Unhealthy['health']>['causes'][number];
export type Card = NonNullable<Cause['asset']>;

export interface Problem {
  id: string;
  kind: 'incident' | 'check' | 'evaluation';
  name: string;
  /** The severity of an incident, the status of a check, or the verdict of an evaluation. */
  state: string | null;
  value: number | null;
  since: string | null;
}

export interface Affected {
  asset: Unhealthy;
  /** The number of levels from the asset up to the cause. The way down may be longer, because a version leads to its model. */
  depth: number;
}

/** How far a cause reaches, by the walk downstream from it: the same numbers as in its blast radius. */
export interface Reach {
  /** The levels of the assets that the walk reached, by their ids. */
  depths: ReadonlyMap<string, number>;
  /** Whether an asset that is not among them was not reached. */
  complete: boolean;
}

export interface RootCause {
  /** The asset with the problems; null if it is hidden. */
  asset: Card | null;
  problems: Problem[];
  /** The nearest first. */
  affected: Affected[];
  /** Names of assets upstream with problems, of which these may be consequences. */
  follows: string[];
}

const HIDDEN = '';

function problemOf({ incident, check, result, evaluation }: Cause): Problem | null {
  if (incident) return { id: incident.id, kind: 'incident', name: incident.title, state: incident.severity, value: null, since: incident.openedAt };
  if (check) return { id: check.id, kind: 'check', name: check.name, state: result?.status ?? null, value: result?.value ?? null, since: result?.observedAt ?? null };
  if (evaluation) return { id: evaluation.id, kind: 'evaluation', name: evaluation.displayName, state: evaluation.verdict, value: null, since: evaluation.evaluatedAt };
  return null;
}

/** Return the assets with problems: those without a problem upstream first, of these the ones that affect most. */
export function rootCauses(assets: readonly Unhealthy[]): RootCause[] {
  const found = new Map<string, RootCause & { byId: Map<string, Problem> }>();
  const upstream = new Map<string, Set<string>>(); // names of the assets upstream with problems, by the id of an asset
  for (const asset of assets) {
    for (const cause of asset.health?.causes ?? []) {
      const problem = problemOf(cause);
      if (!cause.counts || !problem) continue;
      const key = cause.asset?.id ?? HIDDEN;
      const known = found.get(key) ?? { asset: cause.asset, problems: [], affected: [], follows: [], byId: new Map<string, Problem>() };
      found.set(key, known);
      known.byId.set(problem.id, problem);
      if (!known.affected.some((each) => each.asset.id === asset.id)) known.affected.push({ asset, depth: cause.depth });
      if (cause.depth && cause.asset) upstream.set(asset.id, (upstream.get(asset.id) ?? new Set()).add(cause.asset.displayName));
    }
  }
  const all = [...found].map(([key, { byId, ...cause }]): RootCause => ({
    ...cause,
    problems: [...byId.values()],
    affected: cause.affected.sort((a, b) => a.depth - b.depth || a.asset.displayName.localeCompare(b.asset.displayName)),
    follows: [...(upstream.get(key) ?? [])].sort(),
  }));
  return all.sort((a, b) => Number(a.follows.length > 0) - Number(b.follows.length > 0) || b.affected.length - a.affected.length || (a.asset?.displayName ?? '').localeCompare(b.asset?.displayName ?? ''));
}

/** Return the affected assets, the nearest first; without a reach, by the levels from them up to the cause. */
export function nearest(affected: readonly Affected[], reach: Reach | null): (Affected & { level: number })[] {
  const levels = affected.map((each) => ({ ...each, level: reach?.depths.get(each.asset.id) ?? each.depth }));
  return levels.sort((a, b) => a.level - b.level || a.asset.displayName.localeCompare(b.asset.displayName));
}

/** Return where an affected asset is, seen from the cause; empty while or where that is not known. */
export function placeWords({ asset, depth }: Affected, cause: Card | null, reach: Reach | null): string {
  if (!cause) return depth ? texts.levels.down(depth) : texts.levels.here;
  if (asset.id === cause.id) return texts.levels.here;
  const level = reach?.depths.get(asset.id);
  if (level !== undefined) return texts.levels.down(level);
  return reach?.complete ? (texts.boards.unhealthy.members[asset.kind] ?? '') : '';
}
