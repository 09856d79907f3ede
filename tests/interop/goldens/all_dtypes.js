'use strict';
// Every dtype as tf.io.encodeWeights writes it, under a graph-like topology full of odd JSON; the one model in three spellings.

const fs = require('node:fs');
const path = require('node:path');
const {tf} = require('../lib/reference');
const styles = require('../lib/json_styles');

const FOLDERS = {'all-dtypes': styles.javascript, 'all-dtypes-python': styles.python, 'all-dtypes-crlf': styles.indentedCrlf};

async function write(out) {
  const {data, specs} = await tf.io.encodeWeights(tensors());
  return Object.entries(FOLDERS).map(([name, style]) => {
    const folder = path.join(out, name);
    fs.mkdirSync(folder, {recursive: true});
    fs.writeFileSync(path.join(folder, 'model.json'), style(modelText(specs)));
    fs.writeFileSync(path.join(folder, 'group1-shard1of1.bin'), Buffer.from(data));
    return folder;
  });
}

/** After `flags`, three bools, no float is aligned any more. */
function tensors() {
  return [
    ['f32/matrix', tf.tensor2d([10, 20.5, -30.25, 1e-7, 3.4028234663852886e38, -0], [2, 3])],
    ['f32/bits', tf.tensor1d(fromBits(0x7fc00000, 0x7f802000, 0xff800000, 0x7f800000, 0x80000000, 0x00000001, 0x007fffff, 0xffc12345))],
    ['f32/scalar', tf.scalar(13.37)],
    ['f32/empty', tf.tensor([], [0], 'float32')],
    ['f32/hollow', tf.tensor([], [2, 0, 3], 'float32')],
    ['flags', tf.tensor1d([true, false, true], 'bool')],
    ['f32/unaligned', tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2])],
    ['bool/scalar', tf.scalar(true, 'bool')],
    ['bool/empty', tf.tensor([], [0], 'bool')],
    ['int32/extremes', tf.tensor1d([0, -1, 2147483647, -2147483648, 16777217], 'int32')],
    ['int32/scalar', tf.scalar(-7, 'int32')],
    ['int32/empty', tf.tensor([], [3, 0], 'int32')],
    ['строки', tf.tensor2d(['a', '', 'здраво', '正常', 'line\nbreak', '\u{1F600}'], [3, 2], 'string')],
    ['string/scalar', tf.scalar('', 'string')],
    ['string/bytes', tf.tensor1d([Uint8Array.of(0xff, 0xfe, 0x00), Uint8Array.of(0x80)], 'string')],
    ['string/empty', tf.tensor([], [0], 'string')],
    ['complex/pair', tf.complex([1, 2], [1, -2])],
    ['complex/scalar', tf.complex(0.5, -0)],
    ['complex/empty', tf.complex(tf.tensor([], [0]), tf.tensor([], [0]))],
    ['10', tf.tensor1d([10])],
    ['2', tf.tensor1d([2])],
    [' spaces / and "quotes"\\ ', tf.tensor4d([0.1], [1, 1, 1, 1])],
  ].map(([name, tensor]) => ({name, tensor}));
}

const fromBits = (...words) => new Float32Array(Uint32Array.from(words).buffer);

function modelText(specs) {
  const manifest = JSON.stringify([{paths: ['group1-shard1of1.bin'], weights: specs}]);
  return `{"format":"graph-model","generatedBy":"2.11.0","convertedBy":"TensorFlow.js Converter v4.22.0",
    "signature":{"inputs":{"x":{"name":"x:0","dtype":"DT_FLOAT","tensorShape":{"dim":[{"size":"-1"},{"size":"3"}]}}},"outputs":{}},
    "modelTopology":${TOPOLOGY},
    "userDefinedMetadata":{"подпись":"正常","list":[1.0,2.50,[]],"none":null},
    "modelInitializer":{"node":[{"name":"table","op":"HashTableV2","attr":{"value_dtype":{"type":9},"use_node_name_sharing":{"b":true}}}]},
    "initializerSignature":{"outputs":{"table":{"name":"table:0","dtype":"DT_RESOURCE"}}},
    "weightsManifest":${manifest},
    "x-unknown":{"b":1.0,"a":[{}],"9":"nine","1":"one"}}`;
}

/** The numbers, keys and strings here are those that a careless reader or writer of JSON would change. */
const TOPOLOGY = String.raw`{
  "node": [
    {"name": "x", "op": "Placeholder", "attr": {"shape": {"shape": {"dim": [{"size": "-1"}, {"size": "3"}]}}, "dtype": {"type": "DT_FLOAT"}}},
    {"name": "y/\"quoted\"\\back\/slash", "op": "Identity", "input": ["x"], "attr": {"T": {"type": 1}, "_output_shapes": {"list": {}}}}
  ],
  "library": {},
  "versions": {"producer": 1087, "minConsumer": 12},
  "numbers": [1e21, 1E+2, 1e-7, 0.000001, 1.0, 100.0, -0, -0.0, 0.1, 5e-324, 1.7976931348623157e308, 123456789012345678901, 9007199254740993, 2.50, 1e0],
  "keys": {"10": "ten", "b": 1, "2": "two", "a": 2, "-1": "minus one", "01": "not an index", "4294967295": "beyond an index", "": "empty"},
  "strings": ["\u0000\u001f\u007f", "\b\f\n\r\t", "\u00e9é", "\ud83d\ude00", "\u2028\u2029", "正常 здраво", "</script>", "\ud800 alone"],
  "empty": [[], {}, [[]], [{}], "", null, true, false]
}`;

module.exports = {write};
