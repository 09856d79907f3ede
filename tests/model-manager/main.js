'use strict';
// The driver: `node main.js CONFIG`, where CONFIG is JSON:
//
//   {"chromium": FILE, "modules": DIR, "page": DIR, "tfjs": FILE, "root": DIR, "folder": DIR, "filter": TEXT}
//
// `page` is what `tfjs serve --page` gets, `root` has the models of tests/, `folder` is for profiles, downloads, screenshots and served models.
// `filter` chooses files of checks. One line for each check; the exit code is 0 if all went well and there were any.

const path = require('node:path');
const {Browser} = require('../browser-interop/lib/browser');
const {Checks} = require('../browser-interop/lib/checks');
const {Command} = require('./lib/command');
const {Manager} = require('./lib/manager');
const {Web} = require('./lib/web');
const groups = [
  require('./checks/adding').adding,
  require('./checks/moving').moving,
  require('./checks/deleting').deleting,
  require('./checks/opening').opening,
  require('./checks/server').server,
  require('./checks/using').using,
  require('./checks/pictures').pictures,
];

async function main(config) {
  const checks = new Checks();
  const command = new Command(config.tfjs);
  const served = await command.serve(path.join(config.folder, 'served'), [`--page=${config.page}`]);
  const web = await Web.start(config.modules);
  const model = (...names) => path.join(config.root, 'tests', ...names);
  const world = {
    ...config, command, web, checks, origin: served.origin, served: served.folder,
    models: {
      tiny: model('models', 'tiny'),
      trained: model('goldens', 'trained-layers'),
      quantized: model('goldens', 'quantized'),
      groups: model('goldens', 'multi-group'),
      dtypes: model('goldens', 'all-dtypes'),
    },
  };
  try {
    for (const group of groups.filter(({name}) => name.includes(config.filter ?? ''))) {
      // Each group has a browser in which nothing is stored yet.
      const profile = path.join(config.folder, 'profiles', group.name);
      const browser = await Browser.start(config.chromium, profile, world.origin, ['--hide-scrollbars']);
      try {
        await group({...world, browser, open: options => Manager.open(browser.context, world, options)});
      } finally {
        await browser.close();
      }
    }
  } finally {
    await command.end();
    web.close();
  }
  if (!checks.summary()) process.exitCode = 1;
}

main(JSON.parse(process.argv[2])).catch(error => {
  console.error(error);
  process.exitCode = 1;
});
