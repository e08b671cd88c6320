// Serves a worker of this folder with Miniflare. Usage: node server.mjs TOOLS HOST PORT DIRECTORY WORKER.js
//
// TOOLS is where node_modules with miniflare is. Data is kept in DIRECTORY, as wrangler dev keeps it in .wrangler/state.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const [tools, host, port, directory, worker] = process.argv.slice(2);
const { Miniflare } = createRequire(join(tools, "package.json"))("miniflare");

const server = new Miniflare({
  host,
  port: Number(port),
  modules: true,
  scriptPath: fileURLToPath(new URL(worker, import.meta.url)),
  compatibilityDate: "2026-04-01",
  kvNamespaces: { KV: "bench" },
  d1Databases: { DB: "bench" },
  queueProducers: { QUEUE: "bench" },
  queueConsumers: { bench: { maxBatchSize: 100, maxBatchTimeout: 1 } },
  defaultPersistRoot: directory,
});
await server.ready;
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => server.dispose().then(() => process.exit(0)));
