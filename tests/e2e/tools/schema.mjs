// The schema as GraphQL's reference implementation reads it: `node schema.mjs FILE` prints what is wrong with it.
import { readFileSync } from 'node:fs';
import { buildSchema, validateSchema } from 'graphql';

const schema = buildSchema(readFileSync(process.argv[2], 'utf8'));
const errors = validateSchema(schema).map((error) => error.message);
console.log(JSON.stringify({ errors, types: Object.keys(schema.getTypeMap()).filter((name) => !name.startsWith('__')) }));
