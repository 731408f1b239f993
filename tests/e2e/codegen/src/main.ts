// Compiled under `strict` against the generated documents, then run: `node out/main.js URL TOKEN REFERENCE`.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { AgainDocument, HomeDocument, RedeemDocument, type PointsRedeemInput } from './gql/graphql.js';

declare const process: { argv: [string, string, string, string, string] };
const [, , url, token, reference] = process.argv;

async function ask<Result, Variables>(document: TypedDocumentNode<Result, Variables>, variables: Variables): Promise<Result> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const { data, errors } = (await answer.json()) as { data?: Result; errors?: unknown };
  if (!data || errors) throw new Error(JSON.stringify(errors));
  return data;
}

const input: PointsRedeemInput = { relationReference: reference, points: '3', idempotencyKey: 'of the typed client' };
const redeemed = await ask(RedeemDocument, { input });
const points: string | undefined = redeemed.pointsRedeem?.redemption.points;

const { member } = await ask(HomeDocument, { reference, first: 1 });
if (!member) throw new Error('no member');
const available: string | undefined = member.balance?.available;
const entry = member.ledger?.edges[0]?.node;
if (!entry) throw new Error('no entry');

const { node } = await ask(AgainDocument, { id: entry.id });
if (node?.__typename !== 'LedgerEntry') throw new Error('another type');
const again: string = node.points;

// @ts-expect-error: points are texts, exact at any size, and never numbers.
const wrong: number = entry.points;
// @ts-expect-error: an input without what it must have does not compile.
const short: PointsRedeemInput = { relationReference: reference };

console.log(JSON.stringify({ points, available, entry: entry.points, again, unused: [typeof wrong, typeof short] }));
