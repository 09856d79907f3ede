'use strict';
// The `tfjs` command: a server of models and of the page, and the judge of what was stored.

const fs = require('node:fs');
const readline = require('node:readline');
const {execFileSync, spawn} = require('node:child_process');

class Command {
  constructor(tfjs) {
    this.tfjs = tfjs;
    this.servers = [];
  }

  /** Serves a folder until `end`, or until the `stop` of what it gives. */
  async serve(folder, options, env = {}) {
    fs.mkdirSync(folder, {recursive: true});
    const child = spawn(this.tfjs, ['serve', folder, '--listen', '127.0.0.1:0', ...options],
      {stdio: ['ignore', 'pipe', 'ignore'], env: {...process.env, ...env}});
    this.servers.push(child);
    const line = await new Promise((resolve, reject) => {
      readline.createInterface({input: child.stdout}).once('line', resolve);
      child.once('exit', code => reject(new Error(`tfjs serve ended with code ${code} before it listened`)));
    });
    const exit = new Promise(resolve => child.once('exit', resolve));
    const stop = () => {
      child.kill();
      return exit;
    };
    return {origin: line.split(' ').at(-1), folder, stop};
  }

  async end() {
    for (const child of this.servers) child.kill();
  }

  /** The tensors of a model, with a digest of each. */
  tensors(model) {
    return JSON.parse(execFileSync(this.tfjs, ['tensors', '--json', model], {encoding: 'utf8', maxBuffer: 1 << 28}));
  }
}

module.exports = {Command};
