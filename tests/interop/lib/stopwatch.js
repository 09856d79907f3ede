'use strict';
// How long something takes, by the rule of our own benchmarks: the median of some runs, after some that warm up.

const v8 = require('node:v8');
const vm = require('node:vm');
const {tf} = require('./reference');

/** Until both are reached; seconds. In the first runs the code is compiled and optimized. */
const WARM_UP = {runs: 3, time: 0.3};
const MEASURED = {runs: 5, time: 0.4};

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc');

/** Nanoseconds. `run` gives the tensors that it made, if any; to let them go is not measured, nor is the garbage of earlier runs. */
async function medianTime(run) {
  await repeat(run, WARM_UP);
  const times = (await repeat(run, MEASURED)).sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)];
}

async function repeat(run, {runs, time}) {
  const times = [];
  for (let total = 0; times.length < runs || total < time * 1e9; total += times.at(-1)) times.push(await once(run));
  return times;
}

async function once(run) {
  collectGarbage();
  const start = process.hrtime.bigint();
  let result = run();
  // What is synchronous shall stay so.
  if (result instanceof Promise) result = await result;
  const nanoseconds = Number(process.hrtime.bigint() - start);
  if (result) tf.dispose(result);
  return nanoseconds;
}

module.exports = {medianTime};
