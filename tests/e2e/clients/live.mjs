// Stock clients that subscribe: `node live.mjs URL TOKEN REFERENCE` prints what each saw of what happened meanwhile.
//
// Each asks where the feed is, subscribes behind that, redeems, and gets the event; goes away, misses a redemption,
// and gets that when it comes back with the id of the event that it saw last.
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { Client, cacheExchange, fetchExchange, subscriptionExchange, gql as urqlGql } from '@urql/core';
import { createClient as createSse } from 'graphql-sse';
import { createClient as createWs } from 'graphql-ws';
import WebSocket from 'ws';

const [url, token, reference] = process.argv.slice(2);
const headers = { authorization: `Bearer ${token}` };

const LIVE = `subscription Live($reference: String, $after: ID) {
  memberActivity(reference: $reference, after: $after) { eventId topic entry { id points } }
}`;
const REDEEM = `mutation Redeem($input: PointsRedeemInput!) { pointsRedeem(input: $input) { redemption { id } } }`;

const webSocket = () =>
  createWs({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, connectionParams: headers, retryAttempts: 0 });
const sse = () => createSse({ url, headers, retryAttempts: 0 });

async function ask(query, variables = {}) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

let count = 0;
const redeem = (points) =>
  ask(REDEEM, { input: { relationReference: reference, points, idempotencyKey: `live ${(count += 1)}` } });

// Each starts a subscription, hands what comes to `next`, and gives a function that ends it.
function bare(client) {
  return (variables, next, error) => {
    const end = client.subscribe({ query: LIVE, variables }, { next: ({ data }) => next(data), error, complete: () => {} });
    return () => {
      end();
      client.dispose();
    };
  };
}

function urql(client, perform) {
  const exchange = subscriptionExchange({
    forwardSubscription: (request) => ({
      subscribe: (sink) => ({ unsubscribe: perform.subscribe({ ...request, query: request.query ?? '' }, sink) }),
    }),
  });
  const made = new Client({ url, exchanges: [cacheExchange, fetchExchange, exchange], fetchOptions: { headers } });
  return (variables, next, error) => {
    const { unsubscribe } = made.subscription(urqlGql(LIVE), variables).subscribe((result) => {
      if (result.error) error(result.error);
      else next(result.data);
    });
    return () => {
      unsubscribe();
      client.dispose();
    };
  };
}

function apollo(socket) {
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: url, headers }),
  );
  const client = new ApolloClient({ cache: new InMemoryCache(), link });
  return (variables, next, error) => {
    const subscription = client.subscribe({ query: gql(LIVE), variables }).subscribe({
      next: (result) => (result.error ? error(result.error) : next(result.data)),
      error,
    });
    return () => {
      subscription.unsubscribe();
      client.stop();
      socket.dispose();
    };
  };
}

// The first event of the redemption of so many points, or what went wrong.
function seen(start, after, points) {
  return new Promise((resolve, reject) => {
    let end = () => {};
    const timer = setTimeout(() => fail(new Error('no event within 20 s')), 20_000);
    const done = () => {
      clearTimeout(timer);
      end();
    };
    function fail(error) {
      done();
      reject(error);
    }
    end = start(
      { reference, after },
      ({ memberActivity }) => {
        if (memberActivity.entry?.points !== `-${points}`) return;
        done();
        resolve(memberActivity);
      },
      fail,
    );
  });
}

async function walk(open, points) {
  const { lastEventId } = await ask('{ lastEventId }');
  const coming = seen(open(), lastEventId, points);
  await redeem(points);
  const first = await coming;
  await redeem(`${points}0`);
  const missed = await seen(open(), first.eventId, `${points}0`);
  return { topic: first.topic, points: [first.entry.points, missed.entry.points], later: first.eventId !== missed.eventId };
}

const clients = {
  'graphql-ws': () => bare(webSocket()),
  'graphql-sse': () => bare(sse()),
  'urql over WebSocket': () => {
    const socket = webSocket();
    return urql(socket, socket);
  },
  'urql over SSE': () => {
    const stream = sse();
    return urql(stream, stream);
  },
  apollo: () => apollo(webSocket()),
};
const results = {};
let points = 1;
for (const [name, open] of Object.entries(clients)) {
  results[name] = await walk(open, `${(points += 1)}`).catch((error) => ({ failed: String(error?.message ?? JSON.stringify(error)) }));
}
console.log(JSON.stringify(results));
