'use strict';
// Checks with a name and a verdict, one line each, summed up by group.

const util = require('node:util');

class Checks {
  /** Only groups whose name contains `filter`; all without one. */
  constructor(filter) {
    this.filter = filter ?? '';
    this.groups = new Map();
    this.failures = [];
  }

  /** Checks that belong together: `run` calls `check`. A failure between the checks is one, too. */
  async group(name, run) {
    if (!name.includes(this.filter)) return;
    console.log(`\ninterop: ${name}`);
    this.current = {name, passed: 0, failed: 0};
    this.groups.set(name, this.current);
    try {
      await run();
    } catch (error) {
      await this.check('nothing fails between the checks', () => {
        throw error;
      });
    }
  }

  /** `run` gives what shall be printed beside the name, such as a count; it throws if the check failed. */
  async check(name, run) {
    const start = Date.now();
    let [note, verdict, failure] = ['', 'ok', undefined];
    try {
      note = (await run()) ?? '';
      this.current.passed += 1;
    } catch (error) {
      [verdict, failure] = ['FAILED', error];
      this.current.failed += 1;
    }
    console.log(`  ${name.padEnd(84)} ${String(note).padStart(28)} ${String(Date.now() - start).padStart(6)} ms  ${verdict}`);
    if (!failure) return;
    const trace = `      ${failure.stack.split('\n').slice(0, 6).join('\n      ')}`;
    console.log(trace);
    this.failures.push(`  ${this.current.name}: ${name}\n${trace}`);
  }

  /** Prints the sums, what failed, and in the last line the sum of all, as tests in Rust do; whether everything went well. */
  summary() {
    console.log();
    const all = {passed: 0, failed: 0};
    for (const [name, {passed, failed}] of this.groups) {
      console.log(`interop: ${name} ${passed}/${passed + failed}`);
      all.passed += passed;
      // A group without a check has not shown anything.
      all.failed += failed + Number(passed + failed === 0);
    }
    if (this.failures.length > 0) console.log(`\nfailures:\n${this.failures.join('\n')}`);
    const isClean = all.failed === 0 && all.passed > 0;
    console.log(`\ntest result: ${isClean ? 'ok' : 'FAILED'}. ${all.passed} passed; ${all.failed} failed; 0 ignored`);
    return isClean;
  }
}

/** Whether two values of JSON are the same, whatever the order of their keys. */
function same(what, found, expected) {
  if (util.isDeepStrictEqual(found, expected)) return;
  throw new Error(`${what} differs: ${firstDifference('', found, expected)}`);
}

function firstDifference(where, found, expected) {
  const isObject = value => typeof value === 'object' && value !== null;
  if (!isObject(found) || !isObject(expected)) return `${where || 'it'} is ${short(found)}, expected ${short(expected)}`;
  for (const key of new Set([...Object.keys(found), ...Object.keys(expected)])) {
    if (!util.isDeepStrictEqual(found[key], expected[key])) return firstDifference(`${where}.${key}`, found[key], expected[key]);
  }
  return `${where} has the same keys and values, but another type`;
}

const short = value => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 160 ? text : `${text.slice(0, 160)}… (${text.length} characters)`;
};

/** That something fails with an error of this kind, whose message has all these words; gives the error. */
async function fails(kind, words, run) {
  let value;
  try {
    value = await run();
  } catch (error) {
    if (error.kind !== kind) throw new Error(`an error of kind ${kind} was expected, this one came: ${error.message}`, {cause: error});
    const missing = words.filter(word => !error.text.includes(word));
    if (missing.length > 0) throw new Error(`the error says nothing of ${missing.join(', ')}: ${error.text}`);
    return error;
  }
  throw new Error(`an error of kind ${kind} was expected, but it gave ${short(value)}`);
}

module.exports = {Checks, same, fails};
