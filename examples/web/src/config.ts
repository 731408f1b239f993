/** Where the API is, and which program this page belongs to. Neither is a secret: see vite.config.ts and README.md. */
export const API_URL = new URL('/graphql', import.meta.env.VITE_TESSERA_URL as string).href;
export const SOCKET_URL = API_URL.replace(/^http/, 'ws');
export const PUBLISHABLE_KEY = import.meta.env.VITE_PUBLISHABLE_KEY as string;
