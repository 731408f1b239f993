// Queries and mutations of graphql-ws over a WebSocket, and how a bad token ends: `node socket.mjs URL TOKEN REFERENCE`.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, token, reference] = process.argv.slice(2);
let closed = null;

const open = (bearer, on = {}) =>
  createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${bearer}` },
    retryAttempts: 0,
    on,
  });

const once = (client, query, variables) =>
  new Promise((resolve, reject) => {
    let result;
    client.subscribe({ query, variables }, { next: (value) => (result = value), error: reject, complete: () => resolve(result) });
  });

const QUERY = 'query Read($reference: String!) { member(reference: $reference) { relationReference } }';
const REDEEM = 'mutation Redeem($input: PointsRedeemInput!) { pointsRedeem(input: $input) { redemption { points } } }';
const input = { relationReference: reference, points: '8', idempotencyKey: 'over the socket' };

const client = open(token);
const read = await once(client, QUERY, { reference });
const redeemed = await once(client, REDEEM, { input });
const refused = await once(client, REDEEM, { input: { ...input, points: '1000000', idempotencyKey: 'too much, over the socket' } });
await client.dispose();
const refusedToken = open(`${token}x`, { closed: ({ code }) => (closed = code) });
const another = await once(refusedToken, QUERY, { reference }).catch(() => null);

console.log(
  JSON.stringify({
    member: read.data.member.relationReference,
    redeemed: redeemed.data.pointsRedeem.redemption.points,
    refused: refused.errors[0].extensions.reason,
    another: another && (another.data?.member ?? null),
    closed,
  }),
);
