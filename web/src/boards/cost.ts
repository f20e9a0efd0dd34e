// What an unused asset cost: its recorded usage, and the newest run that made it.
import type { IdleQuery } from '../generated/graphql.ts';

export type Idle = NonNullable<IdleQuery['assets']['nodes'][number]>;

/** Return the newest run that made an asset, or that a workflow had; null without one, or if it is hidden. */
export function runOf(asset: Idle) {
  switch (asset.__typename) {
    case 'Dataset':
      return asset.latestVersion?.producedBy ?? null;
    case 'DatasetVersion':
      return asset.producedBy;
    case 'Model':
      return asset.latestVersion?.trainingRun ?? null;
    case 'ModelVersion':
      return asset.trainingRun;
    case 'Workflow':
      return asset.latestRun;
    default:
      return null;
  }
}

/** Return the sum of some costs; null if none is known. A run that made several assets counts once. */
export function costOf(assets: readonly Idle[]): { usage: number | null; runs: number | null } {
  const runs = new Map(assets.flatMap((asset) => {
    const run = runOf(asset);
    return run?.costUsd == null ? [] : [[run.id, run.costUsd] as const];
  }));
  return { usage: sum(assets.flatMap((asset) => asset.usage?.costUsd ?? [])), runs: sum([...runs.values()]) };
}

const sum = (costs: readonly number[]): number | null => (costs.length ? costs.reduce((total, each) => total + each, 0) : null);
