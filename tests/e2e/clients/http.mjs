// Stock clients over HTTP: `node http.mjs URL TOKEN REFERENCE` prints what each of them read, redeemed and was refused.
import { ApolloClient, HttpLink, InMemoryCache, CombinedGraphQLErrors, gql as apolloGql } from '@apollo/client/core';
import { Client, fetchExchange, cacheExchange, gql as urqlGql } from '@urql/core';
import { ClientError, GraphQLClient, gql as requestGql } from 'graphql-request';

const [url, token, reference] = process.argv.slice(2);
const headers = { authorization: `Bearer ${token}` };

const QUERY = `query Balance($reference: String!) {
  member(reference: $reference) { id relationReference status balance { available } }
}`;
const REDEEM = `mutation Redeem($input: PointsRedeemInput!) {
  pointsRedeem(input: $input) { replayed redemption { id points } member { id balance { available } } }
}`;

function apollo(useGETForQueries) {
  const client = new ApolloClient({ cache: new InMemoryCache(), link: new HttpLink({ uri: url, headers, useGETForQueries }) });
  return {
    query: async (variables) => (await client.query({ query: apolloGql(QUERY), variables, fetchPolicy: 'network-only' })).data,
    mutate: async (variables) => (await client.mutate({ mutation: apolloGql(REDEEM), variables })).data,
    reason: (error) => CombinedGraphQLErrors.is(error) && error.errors[0].extensions.reason,
  };
}

function urql(preferGetMethod) {
  const client = new Client({ url, exchanges: [cacheExchange, fetchExchange], fetchOptions: { headers }, preferGetMethod });
  const read = ({ data, error }) => {
    if (error) throw error;
    return data;
  };
  return {
    query: async (variables) => read(await client.query(urqlGql(QUERY), variables, { requestPolicy: 'network-only' })),
    mutate: async (variables) => read(await client.mutation(urqlGql(REDEEM), variables)),
    reason: (error) => error.graphQLErrors[0].extensions.reason,
  };
}

function graphqlRequest(method) {
  const reader = new GraphQLClient(url, { headers, method });
  const writer = new GraphQLClient(url, { headers });
  return {
    query: (variables) => reader.request(requestGql`${QUERY}`, variables),
    mutate: (variables) => writer.request(requestGql`${REDEEM}`, variables),
    reason: (error) => error instanceof ClientError && error.response.errors[0].extensions.reason,
  };
}

async function walk(name, client) {
  const before = (await client.query({ reference })).member;
  const input = { relationReference: reference, points: '2', idempotencyKey: `of ${name}` };
  const first = (await client.mutate({ input })).pointsRedeem;
  const again = (await client.mutate({ input })).pointsRedeem;
  let refused = null;
  try {
    await client.mutate({ input: { ...input, points: '1000000', idempotencyKey: `too much of ${name}` } });
  } catch (error) {
    refused = client.reason(error);
  }
  const after = (await client.query({ reference })).member;
  return {
    reference: before.relationReference,
    status: before.status,
    redeemed: first.redemption.points,
    replayed: [first.replayed, again.replayed],
    same: first.redemption.id === again.redemption.id,
    told: first.member.balance.available,
    difference: Number(before.balance.available) - Number(after.balance.available),
    refused,
  };
}

const clients = {
  apollo: apollo(false),
  'apollo by GET': apollo(true),
  urql: urql(false),
  'urql by GET': urql('force'),
  'graphql-request': graphqlRequest('POST'),
  'graphql-request by GET': graphqlRequest('GET'),
};
const results = {};
for (const [name, client] of Object.entries(clients)) results[name] = await walk(name, client);
console.log(JSON.stringify(results));
