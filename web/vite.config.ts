import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const here = (path: string) => decodeURI(new URL(path, import.meta.url).pathname);
const api = "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@shared": here("./shared") } },
  build: {
    outDir: "dist",
    target: "es2022",
    modulePreload: { polyfill: false },
    // Everything is a file of its own: the pages' policy allows no inline script and no data: font.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "shared", minShareCount: 2 }] } },
      input: { operator: here("./index.html"), driver: here("./driver/index.html") },
    },
  },
  server: {
    proxy: { "/api": { target: api }, "/socket.io": { target: api, ws: true } },
  },
  test: { include: ["shared/**/*.test.ts", "operator/**/*.test.ts"] },
});
