'use strict';
// Models come in: picked, dropped, from an address.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {same} = require('../../browser-interop/lib/checks');
const {filesIn} = require('../lib/manager');

async function adding({checks, open, models, command, web, folder, served, origin}) {
  const manager = await open();
  await checks.group('the page: models come in', async () => {
    await checks.check('an empty browser says that there are no models', async () => {
      for (const id of ['indexeddb', 'localstorage', 'opfs']) {
        same(`names in ${id}`, await manager.names(id), []);
        await manager.store(id).getByText('No models yet.').waitFor();
      }
    });
    await checks.check('two dropped files are listed, under the name of the file', async () => {
      await manager.drop(filesIn(models.tiny));
      await manager.has('indexeddb', 'model');
      same('tensors', await manager.tensors('indexeddb', 'model'), command.tensors(models.tiny));
    });
    await checks.check('the same again is another model, and replaces nothing', async () => {
      await manager.drop(filesIn(models.trained));
      await manager.has('indexeddb', 'model-2');
      same('tensors', await manager.tensors('indexeddb', 'model'), command.tensors(models.tiny));
    });
    for (const [id, model] of [['localstorage', 'tiny'], ['opfs', 'groups'], ['indexeddb', 'quantized']]) {
      await checks.check(`picked files go to ${id} under a name`, async () => {
        await manager.saveTo(id, `my ${model}`);
        await manager.pickFolder(models[model]);
        await manager.has(id, `my ${model}`);
        same('tensors', await manager.tensors(id, `my ${model}`), command.tensors(models[model]));
      });
    }
    await checks.check('a picked folder gives the model its name', async () => {
      await manager.saveTo('indexeddb');
      await manager.pickFolder(models.trained);
      await manager.has('indexeddb', 'trained-layers');
    });
    await checks.check('a name that is taken is refused in words', async () => {
      await manager.saveTo('indexeddb', 'my quantized');
      await manager.drop(filesIn(models.tiny));
      assert.match(await manager.failure(), /there is a model my quantized in IndexedDB.*another name/i);
    });
    await checks.check('a model that another page has saved since is not replaced', async () => {
      const other = await manager.tensorflow();
      await other.evaluate(() => tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [1]})]}).save('indexeddb://theirs'));
      await other.close();
      await manager.saveTo('indexeddb', 'theirs');
      await manager.pick(models.tiny);
      assert.match(await manager.failure(), /there is a model theirs in IndexedDB/i);
    });
    await checks.check('two that come at once get two names', async () => {
      await manager.saveTo('opfs');
      const slow = path.join(folder, 'twice');
      makeLarge(slow, 1 << 20);
      await manager.load(web.offer('twice', slow, 60));
      await manager.page.getByRole('progressbar', {name: 'Adding twice to Private files'}).waitFor();
      await manager.pickFolder(slow);
      await manager.has('opfs', 'twice-2');
      await manager.has('opfs', 'twice');
    });
    await checks.check('a double click loads one model', async () => {
      await manager.page.getByLabel('Address of a model.json').fill(web.offer('once', models.trained));
      await manager.page.getByRole('button', {name: 'Load it'}).dblclick();
      await manager.has('opfs', 'once');
      await manager.said('Added once');
      await manager.page.locator('#tasks progress').waitFor({state: 'detached'});
      same('names', (await manager.names('opfs')).filter(name => name.startsWith('once')), ['once']);
    });
    await checks.check('a missing weight file is named', async () => {
      await manager.saveTo('indexeddb');
      await manager.drop([path.join(models.tiny, 'model.json')]);
      assert.match(await manager.failure(), /missing: `weights\.bin`/);
    });
    await checks.check('a file that is no model is told', async () => {
      const file = path.join(folder, 'notes.txt');
      fs.writeFileSync(file, 'not a model');
      await manager.drop([file]);
      assert.match(await manager.failure(), /notes\.txt|model\.json/);
    });
    await checks.check('an archive is to be unpacked, and of two models one is to be chosen', async () => {
      const archive = path.join(folder, 'model.zip');
      fs.writeFileSync(archive, 'PK');
      await manager.drop([archive]);
      assert.match(await manager.failure(), /model\.zip is an archive.*Unpack it/);
      const both = path.join(folder, 'both');
      for (const name of ['tiny', 'trained']) fs.cpSync(models[name], path.join(both, name), {recursive: true});
      await manager.pickFolder(both);
      assert.match(await manager.failure(), /2 models.*pick the files of one of them\.$/);
    });
  });

  await checks.group('the page: models of other kinds', async () => {
    const others = {
      'model.h5': ['\x89HDF\r\n\x1a\n', /model\.h5.*Keras model.*convert it/],
      'model.keras': ['PK\x03\x04', /model\.keras.*Keras model.*convert it/],
      'saved_model.pb': ['\x08\x01\x12\x02', /saved_model\.pb.*SavedModel.*convert it/],
      'frozen.pb': ['\x0a\x08\x0a\x01x\x12\x03Add', /frozen\.pb.*frozen graph.*convert it/],
      'model.tflite': ['\x1c\0\0\0TFL3', /model\.tflite.*TensorFlow Lite.*convert the model that it was made from/],
      'model.onnx': ['\x08\x07\x12\x07pytorch', /model\.onnx.*ONNX.*convert the TensorFlow or Keras model/],
    };
    for (const [name, [head, expected]] of Object.entries(others)) {
      await checks.check(`${name}: what it is, and what to do`, async () => {
        const file = path.join(folder, name);
        fs.writeFileSync(file, Buffer.concat([Buffer.from(head, 'latin1'), Buffer.alloc(2000, 0xff)]));
        await manager.saveTo('indexeddb');
        await manager.drop([file]);
        const failure = await manager.failure();
        assert.match(failure, expected);
        assert.match(failure, /tensorflowjs_converter, and take the model\.json and the \.bin files/);
      });
    }
  });

  await checks.group('the page: from an address', async () => {
    await checks.check('a model of another origin, with a name from its address', async () => {
      await manager.saveTo('indexeddb');
      await manager.load(web.offer('far away', models.trained));
      await manager.has('indexeddb', 'far away');
      same('tensors', await manager.tensors('indexeddb', 'far away'), command.tensors(models.trained));
    });
    await checks.check('a folder that ends with a slash has a model.json', async () => {
      await manager.saveTo('opfs');
      await manager.load(web.offer('folder', models.tiny).replace('model.json', ''));
      await manager.has('opfs', 'folder');
    });
    const large = path.join(folder, 'large');
    await checks.check('a slow one shows how far it is, and can be cancelled', async () => {
      makeLarge(large, 4 << 20);
      await manager.saveTo('indexeddb');
      await manager.load(web.offer('slow', large, 40));
      const bar = manager.page.getByRole('progressbar', {name: 'Adding slow to IndexedDB'});
      await manager.page.waitForFunction(() => document.querySelector('#tasks progress')?.value > 0);
      await manager.page.locator('#tasks').getByText(/of 4\.19 MB/).waitFor();
      await manager.page.getByRole('button', {name: 'Cancel: Adding slow'}).click();
      await bar.waitFor({state: 'detached'});
      await manager.said('Cancelled');
      for (let i = 0; web.active > 0 && i < 100; i++) await manager.page.waitForTimeout(20);
      assert.equal(web.active, 0, 'the request goes on');
      assert.ok(!(await manager.names('indexeddb')).includes('slow'));
    });
    for (const [what, address, pattern] of [
      ['404', () => `${web.origin}/nothing/model.json`, /404.*Check the name/],
      ['a page of HTML', () => `${web.origin}/page-in-place/model.json`, /HTML/i],
      ['nobody', () => 'http://127.0.0.1:9/model.json', /127\.0\.0\.1:9.*Check the connection/],
      ['no address', () => 'ftp://example.com/model.json', /ftp: is not of the web/i],
      ['no scheme', () => 'example.com/model.json', /example\.com\/model\.json does not say how to get there.*https:\/\//],
      ['a file', () => 'file:///models/m/model.json', /drop them on the page/],
    ]) {
      await checks.check(`${what}: an error in words, and nothing is listed`, async () => {
        const before = await manager.names('indexeddb');
        await manager.load(address());
        assert.match(await manager.failure(), pattern);
        same('names', await manager.names('indexeddb'), before);
      });
    }
    await checks.check('what the user picks can go to an upload target instead', async () => {
      await manager.saveTo('target');
      await manager.page.getByLabel('Upload address').first().fill(`${origin}/uploaded/model.json`);
      await manager.pickFolder(models.groups);
      await manager.has('server', 'uploaded');
      same('tensors', command.tensors(path.join(served, 'uploaded')), command.tensors(models.groups));
    });
    await checks.check('a target that refuses is told', async () => {
      await manager.page.getByLabel('Upload address').first().fill(`${web.origin}/no/upload`);
      await manager.pick(models.tiny);
      assert.match(await manager.failure(), /404|not here/);
    });
  });
  await checks.check('the console is clean', () => manager.close([/Failed to load resource/, /ERR_CONNECTION_REFUSED|CORS/]));
}

/** A model of one float32 tensor. */
function makeLarge(folder, bytes) {
  fs.mkdirSync(folder, {recursive: true});
  const weights = [{name: 'w', shape: [bytes / 4], dtype: 'float32'}];
  const manifest = {format: 'layers-model', modelTopology: {}, weightsManifest: [{paths: ['model.weights.bin'], weights}]};
  fs.writeFileSync(path.join(folder, 'model.json'), JSON.stringify(manifest));
  fs.writeFileSync(path.join(folder, 'model.weights.bin'), Buffer.alloc(bytes, 1));
}

module.exports = {adding, makeLarge};
