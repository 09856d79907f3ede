'use strict';
// The peer of `cargo xtask bench`: what TensorFlow.js takes for the same works on the same tensors.
//
// Reads {"works": [ID..], "files": DIR, "web": SERVERS} on stdin, where DIR has the models that our own benchmarks wrote and SERVERS is
// what xtask/src/bench/web.rs tells, or null. Writes {ID: {"cost": NANOSECONDS, "size": N}} on stdout. The size is checked against ours:
// bytes of values, or tensors.

const fs = require('node:fs');
const {ready} = require('./lib/reference');
const {medianTime} = require('./lib/stopwatch');
const {WORKS} = require('./lib/works');

async function main() {
  const {works, files, web} = JSON.parse(fs.readFileSync(0, 'utf8'));
  await ready();
  const measured = {};
  for (const id of works) {
    const prepare = WORKS[id];
    if (!prepare) throw new Error(`no work is called ${id}; there are ${Object.keys(WORKS).join(', ')}`);
    const {size, run} = await prepare(files, web);
    measured[id] = {cost: await medianTime(run), size};
  }
  process.stdout.write(JSON.stringify(measured));
}

main().catch(error => {
  console.error(error);
  process.exitCode = 1;
});
