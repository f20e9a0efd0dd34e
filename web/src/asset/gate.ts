// What a version lacks before a protected alias may point at it, and why an approval was refused, in words.
import type { GateFactsFragment } from '../generated/graphql.ts';
import { texts } from '../texts.ts';

const t = texts.asset;
const names = (list: readonly { displayName: string }[]): string => list.map((each) => each.displayName).join(', ');

/** Return the reasons for which a gate is closed, and what else it reports of evaluations; empty if there is nothing. */
export function gateReasons(gate: GateFactsFragment): string[] {
  const found = [
    gate.missingApprovals.length && t.missing(gate.missingApprovals.join(', ')),
    gate.repeatedApprovers.length && t.repeated(gate.repeatedApprovers.join(', ')),
    gate.failingEvaluations.length && t.failing(names(gate.failingEvaluations)),
    gate.reportedEvaluations.length && t.reported(names(gate.reportedEvaluations)),
    gate.contaminatedEvaluations.length && t.contaminated(names(gate.contaminatedEvaluations)),
    gate.blockingIncidents.length && t.incidents(gate.blockingIncidents.map((each) => each.title).join(', ')),
    gate.sensitivityViolations.length && t.violations(gate.sensitivityViolations.join(', ')),
  ];
  return found.filter((each) => each !== 0);
}

/** Return why an approval was refused: the words of the API, and what to do if the version changed since it was read. */
export function refusalWords({ code, message }: { code: string; message: string }): string {
  return code === 'CONFLICT' ? `${texts.approve.changed} ${message}` : message;
}
