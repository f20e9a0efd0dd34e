// The words and the mark of a box of the picture, which the table and the tree have too.
import { kindName, kindsName, texts, valueName } from '../texts.ts';
import type { Node } from './graph.ts';
import type { Box } from './rollup.ts';
import type { GroupHealth } from './scene.svelte.ts';

const WORST = ['UNHEALTHY', 'DEGRADED', 'UNKNOWN', 'HEALTHY'];
const BAD = ['UNHEALTHY', 'DEGRADED'];

/** Return the worst of some statuses; null without any. */
export const worstOf = (statuses: Iterable<string | undefined>): string | null => {
  const found = new Set(statuses);
  return WORST.find((each) => found.has(each)) ?? null;
};

/** Return the kind of an asset, or the number of assets of each kind of a group. */
export const kindsOf = (node: Node): string => node.group ? node.group.kinds.map((each) => kindsName(each.kind, each.count)).join(', ') : kindName(node.kind);

/** Return why edges may be missing next to an asset or group, in words. */
export const gapWords = (node: Node): string[] => (node.gaps ?? []).map((gap) => texts.scene.gaps[gap]);

/** Return how many examined assets of a group are not well; empty if none is, or none was examined. */
export function healthWords(health: GroupHealth | undefined): string {
  const bad = (health?.statuses ?? []).reduce((sum, each) => sum + (BAD.includes(each.status) ? each.count : 0), 0);
  return health && bad ? texts.scene.bad(bad, health.examined) : '';
}

/** Return the first line of a box. */
export function boxTitle({ group, nodes }: Box): string {
  if (!group) return nodes[0]?.name ?? '';
  if (group.by === 'kind') return kindsName(group.name, nodes.length);
  return `${group.name || texts.lineage.without[group.by === 'team' ? 'team' : 'domain']} · ${nodes.length}`;
}

/** Return a name in one line if it fits, else in two, of which the second may be too long: parted behind a space or a sign if
 * there is one. The lines together are the name. */
export function inLines(text: string, fits: (text: string) => boolean): string[] {
  if (fits(text)) return [text];
  const letters = [...text];
  const heads = letters.map((_, at) => letters.slice(0, at + 1).join('')).filter((head) => fits(head.trimEnd()));
  const head = heads.findLast((each) => /[\s\-_./:@]$/.test(each)) ?? heads.at(-1) ?? '';
  return head ? [head, text.slice(head.length)] : [text];
}

/** Return the second line of a box. */
export function boxAbout(box: Box, health: ReadonlyMap<string, string>, groups: ReadonlyMap<string, GroupHealth>): string {
  const [first] = box.nodes;
  if (!first) return '';
  const change = box.group ? box.group.change : first.change;
  const word = change ? texts.compare.changes[change] : null;
  if (first.group) return [first.group.opened ? texts.scene.rest : null, healthWords(groups.get(first.id)), first.kind ? first.team : kindsOf(first)].filter((each) => each).join(' · ');
  if (!box.group) {
    const stage = first.stage && first.stage !== 'ACTIVE' ? valueName(first.stage).toLowerCase() : null;
    return [word, first.formerly ? texts.compare.formerly(first.formerly) : null, kindName(first.kind), first.team, first.stub ? texts.lineage.stub : null, stage].filter((each) => each).join(' · ');
  }
  if (word) return word;
  const bad = box.nodes.filter((node) => BAD.includes(health.get(node.id) ?? '')).length;
  if (bad) return `${bad} ${texts.health.DEGRADED?.toLowerCase()} / ${texts.health.UNHEALTHY?.toLowerCase()}`;
  return [...new Set(box.nodes.map((node) => node.team ?? texts.lineage.noTeam))].slice(0, 2).join(', ');
}
