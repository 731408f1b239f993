/** Why a posting has its points, in plain words. */
import type { StatementQuery } from './gql/graphql';
import { countPoints, formatChange, formatDay, formatExact, formatLastDay, formatMoney, formatPoints } from './format';

type Ledger = NonNullable<NonNullable<StatementQuery['me']>['ledger']>;
export type Entry = Ledger['edges'][number]['node'];
type Explanation = NonNullable<Entry['explanation']>;
type Rule = Explanation['rules'][number];

/** What of the program the words need. */
export interface Terms {
  timeZone: string | null;
  currency: string | null;
}

/** What happened, in two or three words. */
export function titleOf(entry: Pick<Entry, 'kind' | 'points' | 'narration'> & Partial<Entry>): string {
  switch (entry.kind) {
    case 'EARN':
      return entry.explanation?.group?.replace(/^Campaign /, 'Offer: ') ?? entry.narration.split(':')[0] ?? 'Earned';
    case 'REDEMPTION':
      return entry.merchant ? `${entry.narration} at ${entry.merchant}` : entry.narration;
    default:
      return entry.narration;
  }
}

/** The reasons, a sentence each, in the order in which they count. */
export function reasonsOf(entry: Entry, terms: Terms): string[] {
  return [...origin(entry, terms), ...(entry.explanation ? explained(entry.explanation, entry) : []), ...fate(entry, terms)];
}

function origin(entry: Entry, terms: Terms): string[] {
  const purchase = entry.transaction;
  const money = purchase && formatMoney(purchase.amount, terms.currency);
  const said: string[] = [];
  if (entry.kind === 'EARN' && money) {
    said.push(`You bought ${purchase.productCode ? `${purchase.productCode} ` : ''}for ${money}.`);
  }
  if (entry.kind === 'REFUND') said.push(`You were paid back${money ? ` ${money}` : ''}, so the points for that went back, too.`);
  if (entry.kind === 'EXPIRY') said.push('These points had reached their last day.');
  if (entry.counterparty) said.push(`They went to ${entry.counterparty}.`);
  if (entry.kind === 'HOLD') said.push('These points are set aside until the payment is settled or given back.');
  if (entry.reverses) said.push(`This takes back the posting of ${formatDay(entry.reverses.transactionDate, terms.timeZone)}.`);
  if (entry.note && entry.note !== entry.narration) said.push(entry.note);
  if (!entry.isActive) said.push('It was given back later.');
  return said;
}

function explained(why: Explanation, entry: Entry): string[] {
  const said = why.rules.filter((rule) => rule.gave !== null).map(ruleInWords);
  for (const { kind, name, factor } of why.factors) {
    const times = `times ${formatPoints(factor)}`;
    if (kind === 'TIER') said.push(`${times}, because you are ${name}.`);
    else if (kind === 'CAMPAIGN') said.push(`${times}, with the offer “${name}”.`);
    else said.push(`${times}, by “${name}”.`);
  }
  for (const cap of why.caps) {
    const limit = `${cap.isProgram ? 'the limit' : 'its limit'} of ${formatPoints(String(cap.limit))} points ${WINDOWS[cap.window]}`;
    said.push(`${limit} had room for ${formatPoints(cap.left)}, so ${formatExact(cap.cut)} were left out.`);
  }
  if (why.exact !== null && why.points !== null && why.exact !== why.points) {
    said.push(`${formatExact(why.exact)} is rounded to ${formatPoints(why.points)}.`);
  }
  if (why.tier) said.push(`You reached ${why.tier}, which comes with ${countPoints(entry.points)}.`);
  if (why.loss) said.push(`${countPoints(why.loss)} of it had been spent, and you keep them.`);
  if (why.message) said.push(why.message);
  return said.map(sentence);
}

const WINDOWS: Record<Explanation['caps'][number]['window'], string> = {
  TRANSACTION: 'for one purchase',
  DAY: 'a day',
  MONTH: 'a month',
  LIFETIME: 'in all',
};

function ruleInWords(rule: Rule): string {
  const read = rule.inputs.flatMap(({ attribute, value }) => {
    const name = attribute.slice(attribute.lastIndexOf('.') + 1).replaceAll('_', ' ');
    if (value === null) return [];
    return [value === '***' ? `your ${name}` : `${name} ${value}`];
  });
  const because = read.length > 0 ? ` (${read.join(', ')})` : '';
  const most = rule.cap === null || rule.kept === rule.gave ? '' : `, of which at most ${formatPoints(String(rule.cap))} count`;
  const later = rule.releaseAfterDays ? `, to be spent after ${rule.releaseAfterDays} days` : '';
  return `“${rule.rule}” gave ${formatExact(rule.gave ?? '0')}${because}${most}${later}.`;
}

function fate(entry: Entry, terms: Terms): string[] {
  const lots = entry.explanation?.lots ?? [];
  const said = lots.flatMap(({ points, expiresAt, availableAt }) => {
    const which = lots.length > 1 ? `${countPoints(points)} can` : 'These points can';
    const from = availableAt ? ` from ${formatDay(availableAt, terms.timeZone)}` : '';
    if (expiresAt) return [`${which} be spent${from} until ${formatLastDay(expiresAt, terms.timeZone)}.`];
    return availableAt ? [`${which} be spent${from} on.`] : [];
  });
  if (said.length > 0) return said;
  return entry.expiresAt && entry.kind !== 'HOLD' && !entry.points.startsWith('-')
    ? [`These points can be spent until ${formatLastDay(entry.expiresAt, terms.timeZone)}.`]
    : [];
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What an event tells a member who looks at the page. */
export function newsOf(entry: Pick<Entry, 'kind' | 'points' | 'narration'>): string {
  return `${formatChange(entry.points)} points · ${titleOf(entry)}`;
}
