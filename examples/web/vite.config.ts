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
  const { VITE_TESSERA_URL: api, VITE_PUBLISHABLE_KEY: key } = loadEnv(mode, process.cwd());
  if (!api || !key) throw new Error('VITE_TESSERA_URL and VITE_PUBLISHABLE_KEY are not set: see README.md');
  return {
    plugins: [react(), contentSecurityPolicy(api)],
    // One port, because it is the origin that the program allows.
    server: { port: 5173, strictPort: true },
    preview: { port: 5173, strictPort: true },
    build: { assetsInlineLimit: 0 },
  };
});
