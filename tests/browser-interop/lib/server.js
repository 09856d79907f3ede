'use strict';
// The page's own origin: the page, TensorFlow.js, our WebAssembly, and the models, on loopback.

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const TYPES = {'.html': 'text/html', '.js': 'text/javascript', '.json': 'application/json', '.wasm': 'application/wasm'};

/** `places` are pairs of the beginning of a URL's path and the file or folder that it stands for. */
async function serve(places) {
  const server = http.createServer((request, response) => {
    const file = find(places, decodeURIComponent(new URL(request.url, 'http://page').pathname));
    if (file === undefined) return response.writeHead(404).end();
    const headers = {
      'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
      'Cache-Control': 'no-store',
      // A sandboxed frame has no origin, and loads the scripts of the page as a stranger.
      'Access-Control-Allow-Origin': '*',
    };
    response.writeHead(200, headers);
    fs.createReadStream(file).pipe(response);
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return {origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close()};
}

function find(places, url) {
  for (const [start, place] of places) {
    if (!url.startsWith(start)) continue;
    const file = path.join(place, url.slice(start.length));
    if (file.startsWith(place) && fs.existsSync(file) && fs.statSync(file).isFile()) return file;
  }
  return undefined;
}

module.exports = {serve};
