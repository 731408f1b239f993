import react from '@vitejs/plugin-react';
import { defineConfig, loadEnv, type Plugin } from 'vite';

/** What the built page may load and call: itself and the API, nothing else. A refresh token lies in this page. */
function contentSecurityPolicy(api: string): Plugin {
  const { origin } = new URL(api);
  const socket = origin.replace(/^http/, 'ws');
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src ${origin} ${socket}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return {
    name: 'content-security-policy',
    // The development server puts scripts of its own into the page.
    apply: 'build',
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' },
    ],
  };
}

export default defineConfig(({ mode }) => {
  const given = loadEnv(mode, process.cwd(), ['VITE_', 'PORT']);
  const { VITE_TESSERA_URL: api, VITE_PUBLISHABLE_KEY: key } = given;
  // One port and no other, because it is part of the origin that the program allows.
  const port = Number(given.PORT ?? 5173);
  if (!api || !key) throw new Error('VITE_TESSERA_URL and VITE_PUBLISHABLE_KEY are not set: see README.md');
  return {
    plugins: [react(), contentSecurityPolicy(api)],
    server: { port, strictPort: true },
    preview: { port, strictPort: true },
    build: { assetsInlineLimit: 0 },
  };
});
