// The root causes of unhealthy assets: each asset with problems once, with all assets that are unhealthy because of it.
import type { UnhealthyQuery } from '../generated/graphql.ts';

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
  /** Number of levels downstream of the cause. */
  depth: number;
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
