// What every peer serves: the schema of bench/edge.py with its values, and resolvers that wait for nothing.
import { readFileSync } from "node:fs";

export const typeDefs = readFileSync(new URL("schema.graphql", import.meta.url), "utf8");

const entries = Array.from({ length: 20 }, (_, index) => ({
  id: String(index + 1),
  narration: `Purchase ${index + 1}`,
  points: 10 * (index + 1),
}));

export const resolvers = {
  Query: {
    ping: () => "pong",
    member: async (_root, { reference }) => ({ reference }),
  },
  Member: {
    entries: async () => entries,
  },
};

export const port = Number(process.argv[2]);
export const host = "127.0.0.1";
