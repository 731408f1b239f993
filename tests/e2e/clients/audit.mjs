// The audit of the GraphQL-over-HTTP specification: `node audit.mjs URL` prints every test with its verdict.
import { serverAudits } from 'graphql-http';

const results = [];
for (const audit of serverAudits({ url: process.argv[2], fetchFn: fetch })) {
  const { status, reason } = await audit.fn();
  results.push({ id: audit.id, name: audit.name, status, ...(reason && { reason }) });
}
console.log(JSON.stringify(results));
