'use strict';
// The rest of the web: a server of another origin, some of whose files come slowly, not at all, or as a page of HTML.

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const {setTimeout: sleep} = require('node:timers/promises');

const CORS = {'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*', 'Access-Control-Expose-Headers': '*'};

class Web {
  static async start(modules) {
    const web = new Web();
    web.tensorflow = fs.readFileSync(path.join(modules, '@tensorflow', 'tfjs', 'dist', 'tf.min.js'), 'utf8');
    web.axe = fs.readFileSync(path.join(modules, 'axe-core', 'axe.min.js'), 'utf8');
    await new Promise(resolve => web.server.listen(0, '127.0.0.1', resolve));
    web.origin = `http://127.0.0.1:${web.server.address().port}`;
    return web;
  }

  constructor() {
    this.folders = new Map();
    /** How many slow answers are under way. */
    this.active = 0;
    this.server = http.createServer((request, response) => this.answer(request, response).catch(() => response.destroy()));
  }

  /** Serves a folder under a name; with so many milliseconds before each 64 KiB of a weight file. */
  offer(name, folder, delay = 0) {
    this.folders.set(name, {folder, delay});
    return `${this.origin}/${encodeURIComponent(name)}/model.json`;
  }

  async answer(request, response) {
    const [, name, ...file] = decodeURIComponent(new URL(request.url, this.origin).pathname).split('/');
    if (request.method === 'OPTIONS') return response.writeHead(204, CORS).end();
    if (name === 'page-in-place') return response.writeHead(200, {...CORS, 'Content-Type': 'text/html'}).end('<!doctype html><p>Please log in');
    const offered = this.folders.get(name);
    const place = offered && path.join(offered.folder, ...file);
    if (!place || !fs.existsSync(place)) return response.writeHead(404, CORS).end('not here');
    const bytes = fs.readFileSync(place);
    response.writeHead(200, {...CORS, 'Content-Length': bytes.length});
    if (offered.delay === 0 || place.endsWith('.json')) return response.end(bytes);
    this.active += 1;
    response.once('close', () => {
      this.active -= 1;
    });
    for (let at = 0; at < bytes.length && !response.destroyed; at += 65536) {
      response.write(bytes.subarray(at, at + 65536));
      await sleep(offered.delay);
    }
    response.end();
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

module.exports = {Web};
