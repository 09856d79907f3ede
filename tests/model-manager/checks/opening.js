'use strict';
// A model is looked at; TensorFlow.js is the judge of what is shown.

const assert = require('node:assert/strict');
const {same} = require('../../browser-interop/lib/checks');

async function opening({checks, open, models}) {
  const manager = await open();
  const {page} = manager;
  const add = async name => {
    await manager.saveTo('indexeddb', name);
    await manager.pick(models[name]);
    await manager.has('indexeddb', name);
  };
  const show = async name => {
    await page.goto(`${manager.origin}/.page/`);
    await manager.has('indexeddb', name);
    await manager.row('indexeddb', name).getByRole('link').click();
    await page.getByRole('heading', {level: 1, name}).waitFor();
    await page.getByRole('region', {name: 'Tensors'}).waitFor();
  };
  const table = name => page.getByRole('table', {name});
  const cells = name => table(name).locator('tbody').getByRole('row').evaluateAll(rows => rows.map(row => [...row.cells].map(cell => cell.textContent)));
  await checks.group('the page: a model that TensorFlow.js stored', async () => {
    const theirs = await manager.tensorflow();
    const wanted = await theirs.evaluate(async () => {
      const model = tf.sequential({name: 'theirs', layers: [
        tf.layers.conv2d({filters: 4, kernelSize: 3, inputShape: [8, 8, 1], name: 'look'}),
        tf.layers.batchNormalization({name: 'norm'}),
        tf.layers.flatten({name: 'flat'}),
        tf.layers.dense({units: 2, name: 'say', trainable: false}),
      ]});
      model.setUserDefinedMetadata({author: 'somebody', big: 12345678901234});
      await model.save('indexeddb://theirs');
      await model.save('localstorage://theirs');
      return {
        params: model.countParams(),
        layers: model.layers.map(layer => [layer.name, layer.countParams()]),
        tensors: await Promise.all(model.weights.map(async ({originalName, val}) =>
          ({name: originalName, shape: val.shape, min: (await val.min().data())[0], max: (await val.max().data())[0]}))),
      };
    });
    await theirs.close();
    await checks.check('appears in the list, with its kind', async () => {
      await manager.reload();
      for (const id of ['indexeddb', 'localstorage']) {
        await manager.has(id, 'theirs');
        await manager.row(id, 'theirs').getByText('layers model').waitFor();
      }
    });
    await checks.check('has the layers and parameters of model.summary()', async () => {
      await show('theirs');
      const shown = await cells('Layers');
      same('layers', shown.map(([name, , , params]) => [name, Number(params.replaceAll(',', ''))]), wanted.layers);
      await page.getByText(`Sequential theirs: ${wanted.params.toLocaleString('en')} parameters`).waitFor();
      assert.ok(shown.some(row => row[1] === 'Dense (frozen)') && shown.some(row => row[2] === '[null,6,6,4]'));
    });
    await checks.check('has the tensors, least and greatest values that TensorFlow.js finds', async () => {
      await manager.allRead();
      const shown = await cells('Tensors');
      same('names', shown.map(([name]) => name).sort(), wanted.tensors.map(({name}) => name).sort());
      for (const {name, shape, min, max} of wanted.tensors) {
        const row = shown.find(row => row[0] === name);
        same(`shape of ${name}`, row[2], `[${shape.join(', ')}]`);
        for (const [text, value] of [[row[4], min], [row[5], max]]) {
          assert.ok(Math.abs(Number(text) - value) <= 1e-4 * Math.max(1e-3, Math.abs(value)), `${name}: ${text} is not ${value}`);
        }
      }
    });
    await checks.check('a histogram says in words what it shows', async () => {
      const picture = table('Tensors').getByRole('img').first();
      assert.match(await picture.getAttribute('aria-label'), /^36 values from -\S+ to \S+, mean \S+, \d+ zeros$/);
      assert.equal(await picture.locator('rect').count(), 32);
    });
    await checks.check('has its metadata as JSON, every digit of it', async () => {
      const json = page.getByLabel('userDefinedMetadata as JSON');
      assert.equal(await json.textContent(), '{\n  "author": "somebody",\n  "big": 12345678901234\n}');
    });
  });

  await checks.group('the page: other models', async () => {
    await page.getByRole('link', {name: '← All models'}).click();
    for (const name of ['quantized', 'trained', 'dtypes']) await add(name);
    await checks.check('quantized tensors say how they are stored', async () => {
      await show('quantized');
      const stored = (await cells('Tensors')).map(row => row[3]);
      for (const dtype of ['uint8', 'uint16', 'float16']) assert.ok(stored.some(text => text.startsWith(dtype)), `${dtype} is not in ${stored.join('; ')}`);
      assert.ok(stored.some(text => /^uint8, scale \S+, min \S+$/.test(text)));
    });
    await checks.check('a trained model has its training config and the tensors of its optimizer', async () => {
      await show('trained');
      await page.getByText('trainingConfig', {exact: true}).click();
      assert.match(await page.getByLabel('trainingConfig as JSON').textContent(), /"optimizer_config"/);
      assert.ok((await cells('Tensors')).some(row => row[3] === 'optimizer'));
    });
    await checks.check('strings, booleans and complex numbers are shown', async () => {
      await show('dtypes');
      await manager.allRead();
      const types = new Set((await cells('Tensors')).map(row => row[1]));
      for (const dtype of ['float32', 'int32', 'bool', 'string', 'complex64']) assert.ok(types.has(dtype), `${dtype} is not shown`);
    });
    await checks.check('the list of tensors can be searched', async () => {
      await page.getByLabel('Only names with').fill('no such tensor');
      assert.equal((await cells('Tensors')).length, 0);
      await page.getByLabel('Only names with').fill('');
      assert.ok((await cells('Tensors')).length > 0);
    });
    await checks.check('an address in the bar opens a model, and one that is not there says so', async () => {
      await page.goto(`${manager.origin}/.page/#${encodeURIComponent('indexeddb://nobody')}`);
      await page.getByRole('alert').getByText(/nobody.*Check the name/).waitFor();
      await page.goBack();
      await page.getByRole('heading', {level: 1, name: 'dtypes'}).waitFor();
    });
    await checks.check('who leaves while models open gets the one that is in the address', async () => {
      await page.goto(`${manager.origin}/.page/`);
      const addresses = ['quantized', 'trained', 'dtypes'].map(name => `#${encodeURIComponent(`indexeddb://${name}`)}`);
      for (let i = 0; i < 30; i++) {
        await page.evaluate(address => {
          location.hash = address;
        }, addresses[i % 3]);
        // Some are open by then and are being read, some not.
        await page.waitForTimeout(7 * (i % 5));
      }
      for (let i = 0; i < 10; i++) await page.evaluate(() => history.back());
      await page.getByRole('region', {name: 'Tensors'}).waitFor();
      same('heading', await page.locator('h1:visible').allTextContents(), [decodeURIComponent(new URL(page.url()).hash).split('://')[1]]);
      await manager.allRead();
    });
    await checks.check('a model named like a script is only a name', async () => {
      const name = '<img src=x onerror="document.title=1">';
      const other = await manager.tensorflow();
      await other.evaluate(async name => {
        const model = tf.sequential({name: '<b>bold</b>', layers: [tf.layers.dense({units: 1, inputShape: [1]})]});
        await model.save(`indexeddb://${name}`);
      }, name);
      await other.close();
      await show(name);
      await page.getByText('Sequential <b>bold</b>: 2 parameters').waitFor();
      assert.equal(await page.locator('main img').count(), 0);
      assert.notEqual(await page.title(), '1');
    });
    await checks.check('a model that was damaged says what is wrong', async () => {
      await page.evaluate(() => localStorage.setItem('tensorflowjs_models/theirs/model_topology', '{"class_name":'));
      await page.goto(`${manager.origin}/.page/#${encodeURIComponent('localstorage://theirs')}`);
      await page.getByRole('alert').getByText(/files are damaged, or of something else/).waitFor();
    });
  });
  await checks.check('the console is clean', () => manager.close());
}

module.exports = {opening};
