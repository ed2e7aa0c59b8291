// Starts a script of this folder by name: `node scripts/run.js start …`. Plain JavaScript, so that an old Node can say
// what is wrong instead of stumbling over TypeScript. npm puts the pinned Node 24 first on the PATH.

import { fileURLToPath } from "node:url";

const OLDEST_MAJOR = 24;
const [name = "", ...rest] = process.argv.slice(2);

if (Number(process.versions.node.split(".")[0]) < OLDEST_MAJOR) {
  console.error(
    `Node ${OLDEST_MAJOR} is needed and this is ${process.version}: use \`npm run\`, which brings its own.`,
  );
  process.exit(1);
}
if (!/^[a-z-]+$/.test(name)) {
  console.error("usage: node scripts/run.js <script> [arguments]");
  process.exit(1);
}
const main = new URL(`${name}/main.ts`, import.meta.url);
process.argv.splice(1, process.argv.length, fileURLToPath(main), ...rest);
await import(main.href);
