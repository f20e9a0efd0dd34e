// Where a model serves: the active deployments of its versions.
import type { ModelsByRiskQuery } from '../generated/graphql.ts';

export type Model = NonNullable<ModelsByRiskQuery['assets']['nodes'][number]>;

interface Deployed {
  version: { id: string; displayName: string };
  deployment: { id: string; displayName: string; environment: string | null; trafficShare: number | null };
  service: { id: string; displayName: string; tier: number | null; oncall: string | null } | null;
}

export interface Serving {
  /** Those in production first, then by share of the traffic. */
  deployed: Deployed[];
  inProduction: boolean;
  /** Number of versions that were not examined. */
  unexamined: number;
}

/** Return whether the name of an environment is that of production. */
export const isProduction = (environment: string | null): boolean => /^prod/i.test(environment ?? '');

/** Return where a model serves. */
export function servingOf(model: Model): Serving {
  const versions = model.__typename === 'Model' ? model.versions : null;
  const shown = (versions?.nodes ?? []).filter((each) => each !== null);
  const deployed = shown.flatMap((version) => (version.deployments?.nodes ?? []).flatMap((each): Deployed[] => (each ? [{
    version: { id: version.id, displayName: version.displayName }, service: each.service,
    deployment: { id: each.id, displayName: each.displayName, environment: each.environment, trafficShare: each.trafficShare },
  }] : [])));
  const rank = ({ deployment }: Deployed) => (isProduction(deployment.environment) ? 0 : 1);
  deployed.sort((a, b) => rank(a) - rank(b) || (b.deployment.trafficShare ?? 0) - (a.deployment.trafficShare ?? 0));
  return {
    deployed,
    inProduction: deployed.some((each) => isProduction(each.deployment.environment)),
    unexamined: Math.max(0, (versions?.totalCount ?? shown.length) - shown.length),
  };
}
