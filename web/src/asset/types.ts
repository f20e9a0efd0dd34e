// The two answers of which the page of an asset is made.
import type { AssetPageQuery, AssetSignalsQuery } from '../generated/graphql.ts';
import { texts } from '../texts.ts';

const own = texts.asset.own;

export type Asset = NonNullable<AssetPageQuery['asset']>;
export type Signals = NonNullable<AssetSignalsQuery['asset']>;

export interface Fact {
  name: string;
  text?: string | null;
  link?: { id: string; displayName: string } | null;
  code?: boolean;
}

/** Return the facts that only assets of one kind have. */
export function ownFacts(asset: Asset, time: (text: string | null) => string, number: (value: number | null) => string): Fact[] {
  const facts = specific(asset, time, number);
  return facts.filter((each) => each.link || each.text);
}

function specific(asset: Asset, time: (text: string | null) => string, number: (value: number | null) => string): Fact[] {
  switch (asset.__typename) {
    case 'Dataset':
      return [{ name: own.format, text: asset.format }, { name: own.location, text: asset.location, code: true }, { name: own.newestVersion, link: asset.latestVersion }];
    case 'DatasetVersion':
      return [{ name: own.dataset, link: asset.dataset }, { name: own.rows, text: number(asset.rowCount) }, { name: own.location, text: asset.versionLocation, code: true }, { name: own.producedBy, link: asset.producedBy }];
    case 'Feature':
      return [{ name: own.featureSet, link: asset.featureSet }, { name: own.dataType, text: asset.dataType }, { name: own.expression, text: asset.expression, code: true }, { name: own.freshness, text: asset.freshnessSla }];
    case 'FeatureSet':
      return [{ name: own.entityKeys, text: asset.entityKeys?.join(', '), code: true }, { name: own.online, text: asset.online === null ? null : asset.online ? texts.yes : texts.no }];
    case 'Model':
      return [{ name: own.task, text: asset.task }, { name: own.riskTier, text: asset.riskTier?.toLowerCase() }, { name: own.intendedUse, text: asset.intendedUse }, ...(asset.services?.nodes ?? []).map((link) => ({ name: own.servedBy, link }))];
    case 'ModelVersion':
      return [{ name: own.model, link: asset.model }, { name: own.aliases, text: asset.aliasNames?.join(', ') }, { name: own.framework, text: asset.framework }, { name: own.trainingRun, link: asset.trainingRun }, { name: own.code, text: asset.codeRef, code: true }, { name: own.artifact, text: asset.artifactUri, code: true }];
    case 'Workflow':
      return [{ name: own.type, text: asset.workflowKind }, { name: own.schedule, text: asset.schedule, code: true }, { name: own.code, text: asset.workflowCode, code: true }, { name: own.newestRun, link: asset.latestRun }];
    case 'Run':
      return [{ name: own.workflow, link: asset.workflow }, { name: own.state, text: asset.state?.toLowerCase() }, { name: own.started, text: time(asset.startedAt) }, { name: own.ended, text: time(asset.endedAt) }, { name: own.code, text: asset.codeVersion, code: true }, { name: own.cost, text: asset.costUsd === null ? null : `$${number(asset.costUsd)}` }];
    case 'Evaluation':
      return [{ name: own.modelVersion, link: asset.modelVersion }, { name: own.verdict, text: asset.verdict?.toLowerCase() }, { name: own.type, text: asset.evaluationKind?.toLowerCase() }, { name: own.evaluated, text: time(asset.evaluatedAt) }];
    case 'Service':
      return [{ name: own.tier, text: asset.tier === null ? null : String(asset.tier) }, { name: own.endpoint, text: asset.endpoint, code: true }];
    case 'Deployment':
      return [{ name: own.modelVersion, link: asset.modelVersion }, { name: own.service, link: asset.service }, { name: own.environment, text: asset.environment }, { name: own.status, text: asset.status?.toLowerCase() }, { name: own.shareOfTheTraffic, text: percent(asset.trafficShare) }, { name: own.deployed, text: time(asset.deployedAt) }];
    case 'Experiment':
      return [{ name: own.hypothesis, text: asset.hypothesis }, { name: own.state, text: asset.experimentState?.toLowerCase() }];
    case 'ExperimentCell':
      return [{ name: own.experiment, link: asset.experiment }, { name: own.cell, text: asset.cell }, { name: own.shareOfTheTraffic, text: percent(asset.allocation) }];
    case 'Report':
      return [{ name: own.type, text: asset.reportKind }, { name: own.address, text: asset.url, code: true }];
  }
}

export const percent = (share: number | null): string | null => (share === null ? null : `${Math.round(share * 100)} %`);
