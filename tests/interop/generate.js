'use strict';
// Writes every golden and model that is committed: `node generate.js OUT` makes OUT/goldens and OUT/models. The same bytes every time:
// initial weights and data are written down, and nothing prints a date.

const fs = require('node:fs');
const path = require('node:path');
const {ready} = require('./lib/reference');
const {loadDigests, loadInfo} = require('./lib/load');

const GOLDENS = [
  require('./goldens/trained_layers'),
  require('./goldens/all_dtypes'),
  require('./goldens/quantized'),
  require('./goldens/multi_group'),
];
const TINY = require('./goldens/tiny');

async function main() {
  const out = process.argv[2];
  if (!out) throw new Error('say where to write: node generate.js OUT');
  await ready();
  for (const golden of GOLDENS) {
    for (const folder of await golden.write(path.join(out, 'goldens'))) await judge(folder);
  }
  await TINY.write(path.join(out, 'models'));
}

/** Beside the model: what TensorFlow.js decodes from it, and the byte counts that it reports. */
async function judge(folder) {
  const model = path.join(folder, 'model.json');
  writeLines(path.join(folder, 'digests.json'), await loadDigests(model));
  fs.writeFileSync(path.join(folder, 'info.json'), JSON.stringify(await loadInfo(model)) + '\n');
}

/** A JSON array with a line for each element: a change shows as one line of a diff. */
function writeLines(file, array) {
  fs.writeFileSync(file, `[\n${array.map(element => JSON.stringify(element)).join(',\n')}\n]\n`);
}

main().catch(error => {
  console.error(error);
  process.exitCode = 1;
});
